#include "engine/convert.h"

#include <fmt/format.h>

#include "engine/block_file.h"
#include "io/counted.h"
#include "objectives/catalogue.h"
#include "program/commands.h"

namespace sounder {
namespace {

Conversion conversion_of(const ConvertFlags& flags) {
  Conversion how{.index_base = flags.index_base,
                 .label_rule = flags.labels,
                 .normalize = flags.normalize,
                 .options = flags.options};
  if (flags.average) how.options.average_from = 1;
  return how;
}

}  // namespace

int run(const ConvertFlags& flags, Interrupts& interrupts) {
  const auto objective = make_objective(flags.objective, flags.parameters);
  const Interrupts::Hold hold(interrupts);
  bool done = false;
  {
    ProgressLine progress(flags.quiet);
    progress.rewrite(fmt::format("converting {}", flags.data));
    Arena arena(flags.options);
    done = convert(flags.data, flags.output, *objective, conversion_of(flags), arena, interrupts.token());
  }
  if (!done) return stopped(interrupts);
  if (flags.quiet) return interrupts.exit_code();
  const BlockFile file(flags.output, 0);
  const BlockFileShape& shape = file.shape();
  say(fmt::format("{} in {} of {}, {:.1f} MB\n", describe_size(shape.rows, shape.dimension, shape.nonzeros),
                  counted(file.blocks(), "block"), counted(shape.block_rows, "row"),
                  static_cast<double>(file.bytes()) / 1e6));
  return interrupts.exit_code();
}

}  // namespace sounder
