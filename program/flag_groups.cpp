#include "program/flag_groups.h"

#include <algorithm>
#include <filesystem>

#include "io/error.h"
#include "io/output.h"
#include "program/flag_kinds.h"

namespace sounder {

namespace fs = std::filesystem;

CLI::Option* add_samples(CLI::App& app, const char* flag, std::string& path) {
  return add_path_or(
      app, flag, "/dev/stdin", path,
      "Samples in LIBSVM text or, as the objective has it, IDX images, ratings, a bag of words or a text, "
      "also .gz, .bz2 or .zst; -: standard input");
}

void add_labels(CLI::App& app, const char* flag, std::string& path, const char* images) {
  add_path(app, flag, path, fmt::format("IDX labels of {}, where that is IDX images", images));
}

CLI::Option* add_output(CLI::App& app, const char* flag, std::string& path, const std::string& help) {
  return add_path_or(app, flag, kStandardOutput, path, help + "; -: standard output")
      ->transform([](const std::string& text) { return is_standard_output(text) ? kStandardOutput : text; });
}

void add_ignore_unknown(CLI::App& app, bool& field, const char* file) {
  app.add_flag("--ignore-unknown", field,
               fmt::format("Leave out columns of {}, LIBSVM text, that the model does not have", file));
}

void add_quiet(CLI::App& app, bool& field) {
  app.add_flag("--quiet", field, "Print nothing but errors");
}

void add_report(CLI::App& app, std::string& field) {
  add_output(app, "--report", field, "Write a report as JSON");
}

void add_threads(CLI::App& app, Options& options, std::string_view but_for) {
  add_number_or(
      app, "--threads", "auto", 0, options.threads,
      fmt::format("Workers, at most; auto: all that affinity mask and cgroup quota allow{}", but_for));
}

void add_arena_flags(CLI::App& app, Options& options) {
  const auto nodes = [&options](const std::string& text) {
    options.numa_nodes = {-1};
    if (text == "any") return;
    options.numa_nodes.clear();
    if (text == "all") return;
    options.numa_nodes = parse_list<int>("--numa", text, [](const std::string& word) {
      int node = 0;
      assign("--numa", word, node);
      refuse_if(node < 0, fmt::format("--numa = {}: must be any, all, or nodes such as 0,1", word));
      return node;
    });
  };
  add_threads(app, options, ", fewer for tiny data, or where few may take far larger steps");
  add_number(app, "--reserved-slots", options.reserved_slots, "N",
             "oneTBB arena slots kept for application threads");
  app.add_option_function<std::string>(
         "--numa", nodes, "NUMA nodes to run on, each with an arena, a graph and blocks of its own")
      ->type_name("any|all|N,N,...")
      ->default_str("any");
  add_number_or(app, "--core-type", "any", -1, options.core_type,
                "Kind of cores to run on, of those that info --machine lists");
  add_number_or(app, "--threads-per-core", "all", 0, options.threads_per_core,
                "Hardware threads used of a core, at most");
  add_choice(app, "--priority", options.priority, kValuesOf<kPriorities>, "low|normal|high",
             "Of the oneTBB arenas");
  app.add_flag("--pin", options.pin, "Bind every worker to a hardware thread");
}

void refuse_if(bool holds, std::string_view message) {
  if (holds) throw InputError(std::string(message));
}

bool same_file(const std::string& a, const std::string& b) {
  // Absolute first: weakly_canonical() leaves what does not exist yet relative.
  const auto full = [](const std::string& path) {
    std::error_code unreadable;
    return fs::weakly_canonical(fs::absolute(follow_links(path), unreadable), unreadable);
  };
  return !a.empty() && !b.empty() && full(a) == full(b);
}

void check_paths(const Paths& inputs, const Paths& outputs) {
  const auto same = [](const std::string& a, const std::string& b) {
    std::error_code unreadable;
    const bool shareable = fs::exists(a, unreadable) && !fs::is_regular_file(a, unreadable);
    return !shareable && same_file(a, b);
  };
  refuse_if(std::ranges::count(outputs, kStandardOutput) > 1,
            "-: named twice, standard output takes one output; give different files");
  Paths others = inputs;
  for (const std::string& output : outputs) {
    for (const std::string& other : others) {
      refuse_if(same(output, other),
                fmt::format("{}: named twice, would be overwritten; give different files", output));
    }
    others.push_back(output);
    if (!output.empty()) require_writable(output);
  }
}

}  // namespace sounder
