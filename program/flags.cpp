#include "program/flags.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <array>
#include <memory>
#include <vector>

#include "io/error.h"
#include "io/nearest.h"
#include "program/flag_groups.h"
#include "program/flag_kinds.h"

namespace sounder {
namespace {

constexpr std::size_t kHelpColumn = 34;

// --- Subcommands: add_flags() declares, check() refuses what contradicts itself

void add_apply_flags(CLI::App& app, EvaluateFlags& flags) {
  add_path(app, "MODEL", flags.model, "A model that sounder train wrote")->required();
  add_samples(app, "DATA", flags.data)->required();
  add_labels(app, "--labels", flags.label_file, "DATA");
  add_path(app, "--observed", flags.observed,
           "topic_model: what is known of the documents of DATA, which then need not be those of the "
           "training data");
  add_report(app, flags.report);
  add_index_base(app, flags.index_base, "First column number; default: that of the training data");
  add_ignore_unknown(app, flags.ignore_unknown, "DATA");
  add_threads(app, flags.options);
  add_quiet(app, flags.quiet);
  app.parse_complete_callback([&app, &flags] { flags.given = flags_given(app); });
}

void add_flags(CLI::App& app, EvaluateFlags& flags) {
  add_apply_flags(app, flags);
  add_number(
      app, "--top", flags.top, "N",
      "matrix_completion...: also precision, recall and NDCG of the N best items for each user of DATA, "
      "those of the training data left out; to be found is what is liked or, of other ratings, has one above "
      "0");
  app.footer("Example:\n  sounder evaluate rcv1.model rcv1.test.svm --report test.json");
}

void check(const CLI::App& app, const EvaluateFlags& flags) {
  refuse_if(app.count("--top") > 0 && flags.top == 0, "--top = 0: must be >= 1");
  validate(flags.options);
}

void add_flags(CLI::App& app, PredictFlags& flags) {
  add_apply_flags(app, flags);
  add_output(
      app, "--output", flags.output,
      "One prediction a line, a label as the training data had it; with --positive-class C, that or -1 "
      "(1 if C is -1); with --positive-above X, 1 or -1")
      ->default_str("-");
  app.add_flag(
      "--margins", flags.margins,
      "Write what decides instead of the label: w.x + b or, of many classes, the score of each, in one "
      "line, by increasing label");
  app.add_flag(
      "--probabilities", flags.probabilities,
      "Write the probability of the positive label (the larger of two, or what the training data was "
      "told) or, of many classes, of each, in one line, by increasing label");
  app.footer("Example:\n  sounder predict rcv1.model new.svm --output new.labels");
}

void check(const CLI::App&, const PredictFlags& flags) {
  refuse_if(flags.margins && flags.probabilities, "--margins and --probabilities are both given: give one");
  validate(flags.options);
  refuse_if(flags.report == kStandardOutput && flags.output == kStandardOutput,
            "--report - needs --output FILE: predictions go to standard output");
}

void add_flags(CLI::App& app, GenerateFlags& flags) {
  SyntheticOptions& options = flags.options;
  const auto regression = [&options](std::int64_t) { options.kind = SyntheticKind::kRegression; };
  const auto raw = [&options](std::int64_t) { options.normalize = false; };
  add_output(app, "FILE", flags.output, "Where the samples go, as LIBSVM text")->required();
  add_number(app, "--rows", options.rows, "N", "Samples");
  add_number(app, "--columns", options.columns, "N", "Coordinates");
  add_number(app, "--nonzeros", options.nonzeros_per_row, "X", "Mean number of non-zeros in a row");
  add_number(app, "--zipf", options.zipf_exponent, "X",
             "How uneven the columns are; 0: equal, 1 to 1.2: text");
  add_number(app, "--noise", options.noise, "X",
             "Share of labels flipped; of real labels, the deviation added");
  add_number(app, "--seed", options.seed, "N", "Same seed, same data");
  app.add_flag_function("--regression", regression, "Real labels instead of -1 and +1");
  app.add_flag_function("--no-normalize", raw, "Leave rows as long as they come, instead of length 1");
  add_index_base(app, flags.index_base, "First column number")->capture_default_str();
  app.footer("Example:\n  sounder generate toy.svm --rows 1000 --columns 5000 --nonzeros 20");
}

void check(const CLI::App&, const GenerateFlags&) {}

void add_flags(CLI::App& app, InfoFlags& flags) {
  add_path_or(app, "FILE", "/dev/stdin", flags.file,
              "LIBSVM text, ratings, a bag of words, IDX images or a DIMACS max-flow file, also .gz, .bz2 or "
              ".zst, -: standard input; or, by name, a model or a block file");
  add_output(app, "--json", flags.json, "Write the same as JSON");
  add_output(
      app, "--weights", flags.weights,
      "Write the weights of a model as text, with tabs: a line for each column where some are not zero, "
      "its number or name and its weights; then the bias");
  add_index_base(app, flags.index_base, "First column number; default: 0 if the file has a column 0, else 1");
  app.add_flag("--machine", flags.machine, "Report what this machine offers");
  add_arena_flags(app, flags.options);
  app.footer("Example:\n  sounder info rcv1.svm.gz");
}

void check(const CLI::App&, const InfoFlags& flags) {
  validate(flags.options);
  refuse_if(flags.file.empty() && !flags.machine, "info needs a FILE, or --machine");
  refuse_if(flags.file.empty() && !flags.weights.empty(), "--weights needs a FILE, a model");
}

void add_flags(CLI::App& app, TopicsFlags& flags) {
  add_path(app, "MODEL", flags.model, "A topic_model that sounder train wrote")->required();
  add_number(app, "--top", flags.top, "N", "Words shown of each topic");
  add_path(app, "--data", flags.data,
           "A bag of words: adds the coherence of each topic, how far its ten first words stand in the same "
           "documents (NPMI)");
  add_output(app, "--json", flags.json, "Write the same as JSON");
  add_path(
      app, "--documents", flags.documents,
      "A bag of words: writes, instead, the shares of the topics 1, 2, ... in each document, a line each");
  add_output(app, "--output", flags.output, "Where the shares of --documents go")->default_str("-");
  app.footer("Example:\n  sounder topics news.model --data docword.txt.gz");
}

void check(const CLI::App& app, const TopicsFlags& flags) {
  refuse_if(flags.top == 0, "--top = 0: must be >= 1");
  refuse_if(flags.documents.empty() && !flags.output.empty(), "--output is for the shares of --documents");
  for (const char* flag : {"--top", "--data", "--json"})
    refuse_if(!flags.documents.empty() && app.count(flag) > 0,
              fmt::format("{} is for the words of topics, which --documents does not show", flag));
}

void add_flags(CLI::App& app, RecommendFlags& flags) {
  add_path(app, "MODEL", flags.model, "A model of ratings that sounder train wrote")->required();
  app.add_option("--user", flags.users, "Whom to recommend to; may be given more than once")
      ->allow_extra_args(false)
      ->type_name("NAME");
  add_number(app, "--top", flags.top, "N", "Items for each user");
  app.add_flag("--include-seen", flags.include_seen, "Also items that the user rated in the training data");
  add_output(app, "--output", flags.output,
             "Write lines of user, item and prediction, tabs between: of all users, or of those of --user");
  add_output(app, "--json", flags.json, "Write the same as JSON");
  add_arena_flags(app, flags.options);
  app.footer(
      "Examples:\n  sounder recommend movies.model --user 42 --top 5\n"
      "  sounder recommend movies.model --output all.tsv");
}

void check(const CLI::App&, const RecommendFlags& flags) {
  refuse_if(flags.top == 0, "--top = 0: must be >= 1");
  refuse_if(flags.users.empty() && flags.output.empty() && flags.json.empty(),
            "recommend needs --user NAME, or for all users --output FILE or --json FILE");
  validate(flags.options);
}

void add_flags(CLI::App& app, SimilarFlags& flags) {
  add_path(app, "MODEL", flags.model, "A word_embedding that sounder train wrote")->required();
  app.add_option("WORD", flags.words, "Words to name the nearest of, by cosine");
  add_number(app, "--top", flags.top, "N", "Nearest words of each");
  add_output(app, "--json", flags.json, "Write the same as JSON");
  add_output(app, "--export", flags.vectors, "Write the vectors of all words, as word2vec writes text");
  app.footer("Example:\n  sounder similar manual.model file directory --top 5");
}

void check(const CLI::App&, const SimilarFlags& flags) {
  refuse_if(flags.top == 0, "--top = 0: must be >= 1");
  refuse_if(flags.words.empty() && flags.vectors.empty(), "similar needs a WORD, or --export");
}

template <class Command>
void add_command(CLI::App& app, const char* name, const char* help, Flags& chosen) {
  CLI::App* command = app.add_subcommand(name, help);
  // Only the subcommand that is called gets its flags: those of all would take a millisecond (DECISIONS.md 37).
  command->preparse_callback([=, &chosen](std::size_t) {
    const auto flags = std::make_shared<Command>();
    add_flags(*command, *flags);
    for (CLI::Option* option : command->get_options())
      if (option->get_items_expected_max() == 0)
        option->disable_flag_override();  // else --flag=false is something
    command->callback([=, &chosen] {
      if constexpr (std::is_base_of_v<ProblemFlags, Command>) take_defaults(*command, *flags);
      check(*command, *flags);
      check_paths(flags->inputs(), flags->outputs());
      chosen = *flags;
    });
  });
}

std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

// What CLI11 says of a flag that is there again, "--flag: At Most 1 required but received 2", in words.
std::string in_words(const std::string& message) {
  const auto count = message.find(": At Most 1 required but received");
  return count == std::string::npos ? message : message.substr(0, count) + " is given more than once";
}

// What flags go by elsewhere. The first row whose flag the command has counts.
struct Synonym {
  std::string_view word;
  const char* flag;
  std::string_view remark = {};
};
constexpr std::array kSynonyms = {Synonym{"--lr", "--step"},
                                  Synonym{"--learning-rate", "--step"},
                                  Synonym{"--iterations", "--epochs"},
                                  Synonym{"--C", "--l2", ", which is 1 / (C n)"},
                                  Synonym{"-C", "--l2", ", which is 1 / (C n)"},
                                  Synonym{"-o", "--model"},
                                  Synonym{"-o", "--output"},
                                  Synonym{"--output", "--model"},
                                  Synonym{"--out", "--model"}};

std::string flag_meant(const CLI::App& command, const std::string& word) {
  for (const auto& [synonym, flag, remark] : kSynonyms)
    if (word == synonym && command.get_option_no_throw(flag) != nullptr)
      return fmt::format(", did you mean {}{}?", flag, remark);
  std::vector<std::string> names;
  for (const CLI::Option* option : command.get_options())
    if (!option->get_positional()) names.push_back(option->get_name());
  return did_you_mean(word, std::vector<std::string_view>(names.begin(), names.end()));
}

std::string command_meant(CLI::App& app, const std::string& word) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands({})) names.push_back(command->get_name());
  return did_you_mean(word, std::vector<std::string_view>(names.begin(), names.end()));
}

// Of what the command line has that nobody takes: what the user may have meant. Behind "--" a flag is none.
std::string meant(CLI::App& app, const CLI::App* command, const std::string& argument) {
  const std::string word = argument.substr(0, argument.find('='));
  if (command == nullptr) return word.starts_with('-') ? flag_meant(app, word) : command_meant(app, word);
  const bool known = command->get_option_no_throw(word) != nullptr;
  return word.starts_with('-') && !known ? flag_meant(*command, word) : "";
}

// "help COMMAND" is "COMMAND --help".
std::vector<const char*> with_help_as_flag(int argc, const char* const* argv) {
  std::vector<const char*> words(argv, argv + argc);
  if (argc < 2 || std::string_view(argv[1]) != "help") return words;
  words.erase(words.begin() + 1);
  words.push_back("--help");
  return words;
}

}  // namespace

Flags parse_flags(int argc, const char* const* argv) {
  Flags chosen;
  CLI::App app(
      "Trains sparse models (linear, ratings, cuts, topics, networks, words) on all cores, by asynchronous "
      "stochastic gradient descent.",
      "sounder");
  app.get_formatter()->column_width(kHelpColumn);
  app.set_version_flag("--version", "sounder " SOUNDER_VERSION "\n");
  app.require_subcommand(1);
  add_command<TrainFlags>(app, "train", "Train a model", chosen);
  add_command<ConvertFlags>(app, "convert", "Make a block file, to train from at once", chosen);
  add_command<TuneFlags>(app, "tune", "Choose the l2 and the step of a model", chosen);
  add_command<SpeedupFlags>(app, "speedup", "Measure what threads and write disciplines bring", chosen);
  add_command<InspectFlags>(app, "inspect", "Report how samples conflict, and what that means for a run",
                            chosen);
  add_command<PredictFlags>(app, "predict",
                            "Write a model's prediction for every sample; they need no labels", chosen);
  add_command<EvaluateFlags>(app, "evaluate", "Report loss and accuracy of a model on labelled samples",
                             chosen);
  add_command<GenerateFlags>(app, "generate", "Make up samples that look like text", chosen);
  add_command<InfoFlags>(app, "info", "Describe a file of samples or a model", chosen);
  add_command<TopicsFlags>(app, "topics", "Show the words of a topic model", chosen);
  add_command<RecommendFlags>(app, "recommend", "Name the items that a user would rate best", chosen);
  add_command<SimilarFlags>(app, "similar", "Name the words nearest to a word", chosen);
  add_command<NetworkFlags>(app, "cut", "Find a minimum cut, two-way or multiway", chosen);
  add_command<SegmentFlags>(app, "segment", "Cut things out of a photo", chosen);
  app.footer("Flags and an example: sounder SUBCOMMAND --help");
  try {
    const std::vector<const char*> words = with_help_as_flag(argc, argv);
    app.parse(static_cast<int>(words.size()), words.data());
  } catch (const CLI::CallForVersion& version) {
    return HelpFlags{version.what()};
  } catch (const CLI::CallForHelp&) {
    return HelpFlags{app.help()};
  } catch (const CLI::ParseError& error) {
    const auto commands = app.get_subcommands();
    const CLI::App* const command = commands.empty() ? nullptr : commands.front();
    auto unknown = app.remaining(true);
    std::erase(unknown, "--");  // only says that what follows names files
    const std::string message =
        unknown.empty() ? in_words(first_line(error.what()))
                        : "unexpected argument " + unknown.front() + meant(app, command, unknown.front());
    throw InputError(fmt::format("{} (see sounder{} --help)", message,
                                 command == nullptr ? "" : " " + command->get_name()));
  }
  return chosen;
}

}  // namespace sounder
