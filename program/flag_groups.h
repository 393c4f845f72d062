#pragma once

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "engine/options.h"
#include "program/flags.h"

namespace sounder {

// --- Flags of several subcommands

CLI::Option* add_samples(CLI::App& app, const char* flag, std::string& path);
void add_labels(CLI::App& app, const char* flag, std::string& path, const char* images);
CLI::Option* add_output(CLI::App& app, const char* flag, std::string& path, const std::string& help);
void add_ignore_unknown(CLI::App& app, bool& field, const char* file);
void add_quiet(CLI::App& app, bool& field);
void add_report(CLI::App& app, std::string& field);
void add_threads(CLI::App& app, Options& options, std::string_view but_for = "");
void add_arena_flags(CLI::App& app, Options& options);  // with --threads

template <class Base>
CLI::Option* add_index_base(CLI::App& app, Base& field, const char* help) {
  return app.add_option("--index-base", field, help)
      ->check(CLI::IsMember({"0", "1"}).description(""))
      ->type_name("0|1");
}

// Whether the user gave it, where there is such a flag.
bool given(const CLI::App& app, const char* flag);

// --- Flags of all subcommands that train

void add_input_flags(CLI::App& app, ProblemFlags& flags);
void add_problem_flags(CLI::App& app, ProblemFlags& flags);
void add_method_flags(CLI::App& app, Options& options);
void add_machine_flags(CLI::App& app, Options& options);  // with add_arena_flags()
void remove(CLI::App& app, std::initializer_list<const char*> flags);
void check_problem(const CLI::App& app, const ProblemFlags& flags);
// Refuses flags that have no effect on samples such as the objective takes.
void check_formats(const CLI::App& app, const ProblemFlags& flags);
std::vector<std::string> flags_given(const CLI::App& app);
void check_validation(const CLI::App& app, const TrainFlags& flags);
void check_method(const CLI::App& app, const Options& options);
// For a footer: the objectives, or those among them that block files can hold; and the rules and disciplines.
std::string list_objectives(bool stored_only = false);
std::string list_rules();
std::string list_choices();  // all three

// --- Subcommands that train: add_flags() declares, check() refuses what contradicts itself

void add_flags(CLI::App& app, TrainFlags& flags);
void check(const CLI::App& app, const TrainFlags& flags);
void add_flags(CLI::App& app, ConvertFlags& flags);
void check(const CLI::App& app, const ConvertFlags& flags);
void add_flags(CLI::App& app, TuneFlags& flags);
void check(const CLI::App& app, const TuneFlags& flags);
void add_flags(CLI::App& app, SpeedupFlags& flags);
void check(const CLI::App& app, const SpeedupFlags& flags);
void add_flags(CLI::App& app, InspectFlags& flags);
void check(const CLI::App& app, const InspectFlags& flags);

// What the objective trains best with, where the command line does not say.
void take_defaults(const CLI::App& app, ProblemFlags& flags);
void take_defaults(const CLI::App& app, TuneFlags& flags);

// --- Subcommands that cut

void add_flags(CLI::App& app, NetworkFlags& flags);
void check(const CLI::App& app, const NetworkFlags& flags);
void add_flags(CLI::App& app, SegmentFlags& flags);
void check(const CLI::App& app, const SegmentFlags& flags);

void refuse_if(bool holds, std::string_view message);

// Outputs must be writable; none may be an input or another output, unless it is a device or a pipe, and standard output
// takes one only.
void check_paths(const Paths& inputs, const Paths& outputs);

}  // namespace sounder
