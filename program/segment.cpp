#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "io/image.h"
#include "io/json_text.h"
#include "io/output.h"
#include "objectives/segmentation.h"
#include "program/cut.h"

namespace sounder {
namespace {

std::string shares_of(const Seeds& seeds, const std::vector<std::uint32_t>& labels) {
  std::string text;
  for (std::uint32_t label = 0; label < seeds.colours.size(); ++label) {
    const auto pixels = static_cast<double>(std::ranges::count(labels, label));
    text += fmt::format("{}#{:06x} {:.1f} %", label == 0 ? "" : ", ", seeds.colours[label],
                        100 * pixels / static_cast<double>(labels.size()));
  }
  return text;
}

}  // namespace

int run(const SegmentFlags& flags, Interrupts& interrupts) {
  std::optional<ProgressLine> progress(flags.quiet);
  progress->rewrite(fmt::format("reading {}", flags.photo));
  const Image photo = read_image(flags.photo);
  const Seeds seeds = seeds_of(read_image(flags.seeds), photo, flags.seeds);
  const CutProblem problem = segmentation_problem(photo, seeds, flags.segmentation);
  const Interrupts::Hold hold(interrupts);
  const Cut cut = cut_with_progress(problem, flags, *progress, interrupts);
  progress.reset();
  write_png(mask_of(photo, seeds, cut.labels), flags.output);
  if (!flags.report.empty()) write_file(flags.report, json_text(to_json(cut, problem)));
  if (!flags.quiet)
    say_beside(flags.outputs(),
               describe(cut, problem) + fmt::format("{}: {}\n", flags.output, shares_of(seeds, cut.labels)));
  return exit_code_of(cut, interrupts);
}

}  // namespace sounder
