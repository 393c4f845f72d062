#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>
#include <utility>

#include "engine/tune.h"
#include "io/cooccurrence.h"
#include "io/counted.h"
#include "io/docword.h"
#include "io/error.h"
#include "io/ids.h"
#include "io/idx.h"
#include "io/input.h"
#include "io/libsvm.h"
#include "io/lines.h"
#include "io/max_flow.h"
#include "io/memory.h"
#include "io/model_file.h"
#include "io/normalize.h"
#include "io/ratings.h"
#include "io/sample_weights.h"
#include "io/stream.h"
#include "objectives/topics.h"
#include "program/commands.h"

namespace sounder {
namespace {

// What training holds for each float of a column that samples touch, at least: its place, degree, weight and state, the latest
// and best of both, and the model. Of one that none touches it is a third.
constexpr double kBytesPerColumn = 36;

// One huge column number is enough to ask for more memory than there is, which the system may grant first and
// punish later.
void check_shape(const Dataset& data, const std::string& path) {
  if (data.dimension() == 0) throw InputError({path}, "no columns: every row is empty or holds zeros only");
  if (static_cast<double>(data.dimension()) * kBytesPerColumn <= static_cast<double>(machine_memory()))
    return;
  refuse_size(path, describe_size(data.rows(), data.dimension(), data.nonzeros()));
}

// The same of a bag of words, whose size is what its first lines say, however little follows them. Each name is held twice, by
// the scheme and by the model.
void check_size(const DocwordFile& file, const std::string& path) {
  constexpr double kBytesPerName = 2 * sizeof(std::string);
  const auto coordinates = static_cast<double>(std::uint64_t{file.documents} + file.words);
  if (coordinates * (kBytesPerColumn + kBytesPerName) <= static_cast<double>(machine_memory())) return;
  throw InputError(
      {path},
      fmt::format("not enough memory to train on {} documents and {} words; are the numbers in the first "
                  "two lines right?",
                  file.documents, file.words));
}

LibsvmFile read_images(const Input& input, const SampleFiles& files, std::size_t dimension,
                       const ParallelFor& parallel) {
  Dataset samples = parse_idx_samples(input.bytes(), files.data, files.labels, parallel);
  if (dimension == 0 || dimension == samples.dimension()) {
    LibsvmFile file{std::move(samples), 0};
    if (files.labels.empty())
      file.unlabelled.emplace(Position{files.data}, "found no labels, expected them in a file, --labels");
    return file;
  }
  throw InputError({files.data}, fmt::format("found images of {} pixels, expected the model's {}",
                                             samples.dimension(), dimension));
}

// LIBSVM text, or the pictures of an IDX file, by its first bytes.
LibsvmFile read_rows(const SampleFiles& files, const LibsvmOptions& options, const ParallelFor& parallel) {
  Stream stream(files.data);
  if (is_idx_images(stream.ahead(kIdxMagicBytes)))
    return read_images(Input(std::move(stream)), files, options.dimension, parallel);
  refuse_written(stream, files.data);
  if (!files.labels.empty())
    throw InputError({files.data}, "found no IDX images, expected them, as they have a file of labels");
  constexpr std::size_t kBeginning = 4096;
  const std::string beginning(stream.ahead(kBeginning));
  try {
    return read_libsvm(stream, files.data, options, parallel);
  } catch (const InputError& error) {
    throw InputError(error.what() + other_kind(beginning));
  }
}

void require_labels(const std::optional<InputError>& unlabelled) {
  if (unlabelled) throw InputError(*unlabelled);
}

TrainingData read_libsvm_samples(const ProblemFlags& flags, const ParallelFor& parallel, const Model* start) {
  LibsvmOptions options{.index_base = flags.index_base};
  if (start != nullptr) options = {.index_base = start->index_base, .dimension = start->dimension};
  LibsvmFile file = read_rows({flags.data, flags.label_file}, options, parallel);
  require_labels(file.unlabelled);
  return {.samples = std::move(file.data),
          .scheme = {.index_base = file.index_base},
          .seen = {},
          .remarks = {},
          .origins = std::move(file.origins)};
}

// Where a pair counts for being there, whatever its rating.
void refuse_unobserved(const RatingsFile& file, const std::string& path) {
  const auto labels = file.data.labels();
  const auto none = std::ranges::find_if(labels, [](float rating) { return rating <= 0; });
  if (none != labels.end())
    refuse_row(
        path, file.origins.lines, static_cast<std::size_t>(none - labels.begin()),
        fmt::format("found a rating of {}, expected pairs that were observed, whose rating does not count: "
                    "leave this one out",
                    *none));
}

TrainingData read_rating_samples(const ProblemFlags& flags, const ParallelFor& parallel) {
  RatingsFile file = read_ratings(flags.data, {}, parallel);
  const bool counts_pairs = make_objective(flags.objective, flags.parameters)->shape().draws;
  if (!counts_pairs) require_labels(file.unrated);
  if (counts_pairs && !file.unrated) refuse_unobserved(file, flags.data);
  return {.samples = std::move(file.data),
          .scheme = {.names = {file.users.names(), file.items.names()}},
          .seen = std::move(file.rated),
          .remarks = {{"users", std::uint64_t{file.users.size()}},
                      {"items", std::uint64_t{file.items.size()}},
                      {"duplicates", file.duplicates}},
          .origins = std::move(file.origins)};
}

std::vector<std::string> numbers(std::size_t count) {
  std::vector<std::string> names;
  for (std::size_t i = 1; i <= count; ++i) names.push_back(std::to_string(i));
  return names;
}

std::vector<std::string> vocabulary_of(const ProblemFlags& flags, std::size_t words) {
  if (flags.vocabulary.empty()) return numbers(words);
  std::vector<std::string> names = read_lines(flags.vocabulary);
  if (names.size() == words) return names;
  throw InputError({flags.vocabulary}, fmt::format("found {} lines, expected a word for each of the {} of {}",
                                                   names.size(), words, flags.data));
}

TrainingData read_docword_samples(const ProblemFlags& flags) {
  const DocwordFile file = read_docword(flags.data);
  check_size(file, flags.data);
  return {.samples = pairs_of(file),
          .scheme = {.names = {numbers(file.documents), vocabulary_of(flags, file.words)}},
          .seen = {},
          .remarks = {{"documents", std::uint64_t{file.documents}},
                      {"words", std::uint64_t{file.words}},
                      {"empty_documents", std::uint64_t{file.empty_documents}}}};
}

// A row a pair: its label is the logarithm of the count. A word that meets itself is no pair of coordinates, and left out.
TrainingData read_text_samples(const ProblemFlags& flags) {
  if (begins_with(flags.data, kModelFileMagic) || begins_with(flags.data, kBlockFileMagic))
    throw InputError({flags.data}, "found a file of sounder's, expected a text");
  Cooccurrences text = read_cooccurrences(flags.data, flags.text);
  Dataset::Columns parts;
  for (const Meeting& meeting : text.meetings) {
    if (meeting.word == meeting.other) continue;
    parts.indices.insert(parts.indices.end(), {meeting.word, meeting.other});
    parts.offsets.push_back(parts.indices.size());
    parts.labels.push_back(static_cast<float>(std::log(meeting.count)));
  }
  parts.values.assign(parts.indices.size(), 1.0F);
  const std::size_t words = text.words.size();
  return {.samples = Dataset(words, std::move(parts)),
          .scheme = {.names = {std::move(text.words)}},
          .seen = {},
          .remarks = {{"tokens", text.tokens},
                      {"words", std::uint64_t{words}},
                      {"min_count", std::uint64_t{flags.text.min_count}},
                      {"window", std::uint64_t{flags.text.window}}}};
}

TrainingData read_samples(const ProblemFlags& flags, const ParallelFor& parallel, const Model* start) {
  switch (catalogue_row(flags.objective).format) {
    case SampleFormat::kRatings:
      return read_rating_samples(flags, parallel);
    case SampleFormat::kDocword:
      return read_docword_samples(flags);
    case SampleFormat::kText:
      return read_text_samples(flags);
    case SampleFormat::kLibsvm:
      break;
  }
  return read_libsvm_samples(flags, parallel, start);
}

// A bag of words says how many words there are; of its samples, empty documents might be some.
ObjectiveParameters parameters_of(const ProblemFlags& flags, const SampleScheme& scheme, const Model* start) {
  ObjectiveParameters parameters = flags.parameters;
  if (start != nullptr) parameters.insert(start->parameters.begin(), start->parameters.end());
  if (catalogue_row(flags.objective).format == SampleFormat::kDocword)
    parameters.emplace("words", static_cast<double>(scheme.names[1].size()));
  return parameters;
}

// Classes that hardly any sample shares are quantities, as prices are, for an objective that is not meant for them.
void check_shared(std::size_t classes, std::size_t samples, const std::string& name) {
  constexpr std::size_t kFew = 50;  // may be an example
  if (samples < kFew || 2 * classes <= samples) return;
  throw InputError({name},
                   fmt::format("{} different labels of {} samples, expected classes of several each: is this "
                               "regression, for --objective least_squares?",
                               classes, samples));
}

void encode(TrainingData& data, LabelKind kind, const ProblemFlags& flags, const Model* start) {
  if (start != nullptr) {
    data.scheme.labels = start->labels;
    data.samples = encode_like(data.samples, start->labels, start->label_rule, flags.data, data.origins);
    return check_labels(data.samples, kind, flags.data, data.origins.lines);
  }
  if (kind != LabelKind::kTwoClass && kind != LabelKind::kManyClass)
    return check_labels(data.samples, kind, flags.data, data.origins.lines);
  EncodedDataset encoded = kind == LabelKind::kTwoClass
                               ? encode_two_classes(data.samples, flags.labels, flags.data, data.origins)
                               : encode_classes(data.samples, flags.data, data.origins);
  check_shared(encoded.encoding.classes.size(), data.samples.rows(), flags.data);
  data.samples = std::move(encoded.data);
  data.scheme.labels = std::move(encoded.encoding);
}

// Classes are balanced as the objective has them, but weighed by the labels that the file has.
void weigh(Dataset& samples, bool encoded, const ProblemFlags& flags) {
  if (!encoded && !flags.sample_weights.empty())
    samples = samples.with_weights(read_weights(flags.sample_weights, samples.rows()));
  if (flags.class_weights.any() && flags.class_weights.balanced == encoded)
    samples = weigh_classes(samples, flags.class_weights, flags.data);
}

// A weight is that of the scaled column over what this was divided by, and no float holds any number.
void check_columns(const Dataset& samples, const std::string& path, std::uint32_t index_base) {
  constexpr float kLeast = 1e-30F;
  const std::vector<float> largest = largest_of_columns(samples);
  const auto tiny = std::ranges::find_if(largest, [=](float value) { return value > 0 && value < kLeast; });
  if (tiny == largest.end()) return;
  throw InputError(
      {path}, fmt::format("found values of {:.3g} at most in column {}, expected one of {:g} or more, for "
                          "--scale-columns to divide by: multiply them, or leave the column out",
                          *tiny, tiny - largest.begin() + index_base, kLeast));
}

// Where all labels are the same there may be nothing to learn: refused here, where the file is known, as train() would.
void check_spread(const Dataset& samples, const Objective& objective, const std::string& name) try {
  if (std::ranges::adjacent_find(samples.labels(), std::not_equal_to()) == samples.labels().end())
    objective.fitted(samples);
} catch (const InputError& error) {
  throw InputError({name}, error.what());
}

KnownData read_known_ratings(const std::string& path, const SampleScheme& scheme,
                             const ParallelFor& parallel) {
  const Ids users(scheme.names[0]);
  const Ids items(scheme.names[1]);
  RatingsFile file = read_ratings(path, {.users = &users, .items = &items}, parallel);
  return {std::move(file.data),
          {{"unknown_users", file.unknown_users}, {"unknown_items", file.unknown_items}},
          std::move(file.origins),
          std::move(file.unrated)};
}

KnownData read_known_docword(const std::string& path, const SampleScheme& scheme) {
  DocwordFile file = read_docword(path);
  if (file.documents > scheme.names[0].size())
    throw InputError({path},
                     fmt::format("found {} documents, expected at most {}, those of the training data or, if "
                                 "given, of --observed FILE, which infers documents from their words",
                                 file.documents, scheme.names[0].size()));
  require_at_most("words", file.words, scheme.names[1].size(), path);
  file.documents = static_cast<std::uint32_t>(scheme.names[0].size());
  return {pairs_of(file).with_dimension(scheme.dimension), {}};
}

// Held-out samples count the same, as those of --valid do.
void hold_out(TrainingSet& set, const TrainFlags& flags) {
  if (set.samples.rows() < 2)
    throw InputError({flags.data}, "found one sample, expected two to hold one out");
  Split parts = split(set.samples, *flags.valid_share, flags.options.seed);
  set.samples = std::move(parts.training);
  set.validation = parts.validation.with_weights({});
}

}  // namespace

std::string other_kind(std::string_view beginning) {
  if (is_max_flow(beginning)) return "; it looks like a network, for sounder cut";
  if (is_docword(beginning)) return "; it looks like a bag of words, for --objective topic_model";
  if (is_ratings(beginning))
    return fmt::format("; it looks like ratings, for --objective matrix_completion, or a table: {}", kTables);
  const std::string_view line = beginning.substr(0, beginning.find('\n'));
  if (line.find('|') != line.npos)
    return "; it looks like Vowpal Wabbit's text, expected LIBSVM's, which has numbered columns and no bars";
  const bool separated = line.find_first_of(",;\t") != line.npos && line.find(':') == line.npos;
  return separated ? fmt::format("; it looks like a table: {}", kTables) : "";
}

std::string describe_size(std::size_t rows, std::size_t columns, std::uint64_t nonzeros) {
  return fmt::format("{}, {} and {}", counted(rows, "row"), counted(columns, "column"),
                     counted(nonzeros, "non-zero"));
}

void refuse_size(const std::string& path, const std::string& size) {
  throw InputError({path},
                   fmt::format("not enough memory to train on {}; are the column numbers right?", size));
}

SampleScheme scheme_of(const Model& model, const Objective& objective) {
  return {.format = catalogue_row(model.objective).format,
          .dimension = model.dimension,
          .index_base = model.index_base,
          .names = model.names,
          .labels = model.labels,
          .label_rule = model.label_rule,
          .normalize = model.normalize,
          .kind = objective.labels()};
}

Remarks weighting_of(const ProblemFlags& flags) {
  Remarks remarks;
  if (flags.class_weights.any()) remarks["class_weights"] = describe(flags.class_weights);
  if (!flags.sample_weights.empty()) remarks["sample_weights"] = flags.sample_weights;
  return remarks;
}

TrainingData read_for_training(const ProblemFlags& flags, const ParallelFor& parallel, const Model* start) {
  TrainingData data = read_samples(flags, parallel, start);
  check_shape(data.samples, flags.data);
  data.objective = make_objective(flags.objective, parameters_of(flags, data.scheme, start));
  weigh(data.samples, false, flags);
  encode(data, data.objective->labels(), flags, start);
  weigh(data.samples, true, flags);
  check_spread(data.samples, *data.objective, flags.data);
  data.scheme.normalize = start != nullptr ? start->normalize : flags.normalize;
  if (data.scheme.normalize) data.samples = data.samples.normalized();
  if (flags.scale_columns) {
    check_columns(data.samples, flags.data, data.scheme.index_base);
    data.scheme.factors = to_unit_columns(data.samples);
    data.samples = data.samples.with_columns_times(data.scheme.factors);
  }
  data.scheme.format = catalogue_row(flags.objective).format;
  data.scheme.dimension = data.samples.dimension();
  data.scheme.label_rule = start != nullptr ? start->label_rule : flags.labels;
  data.scheme.kind = data.objective->labels();
  return data;
}

TrainingSet load(const TrainFlags& flags) {
  Arena arena(flags.options);
  const ParallelFor parallel = parallel_on(arena);
  const std::shared_ptr<const Model> start = load_start(flags);
  TrainingSet set{read_for_training(flags, parallel, start.get()), {}, {}, start};
  set.validation = read_validation(flags, set.scheme, parallel);
  if (flags.valid_share && !set.validation) hold_out(set, flags);
  return set;
}

std::optional<Dataset> read_validation(const TrainFlags& flags, const SampleScheme& scheme,
                                       const ParallelFor& parallel) {
  if (flags.validation.empty()) return std::nullopt;
  const KnownData held_out =
      read_known({flags.validation, flags.validation_labels}, scheme, flags.ignore_unknown, parallel);
  return encoded(held_out, scheme, flags.validation);
}

void complete(Model& model, const TrainingData& data, const std::string& path) {
  model.labels = data.scheme.labels;
  model.label_rule = data.scheme.label_rule;
  model.normalize = data.scheme.normalize;
  model.index_base = data.scheme.index_base;
  model.names = data.scheme.names;
  model.seen = data.seen;
  if (data.scheme.factors.empty()) return;
  for (std::size_t i = 0; i < model.weights.size(); ++i) {
    model.weights[i] *= data.scheme.factors[i / model.width];
    if (!std::isfinite(model.weights[i]))
      throw InputError({path},
                       fmt::format("found a weight beyond what a float holds for column {} as it comes, with "
                                   "--scale-columns: scale the labels down",
                                   i / model.width + model.index_base));
  }
}

KnownData read_known(const SampleFiles& files, const SampleScheme& scheme, bool ignore_unknown,
                     const ParallelFor& parallel) {
  const std::string& path = files.data;
  if (scheme.dimension == 0) throw InputError({path}, "the model has no columns");
  if (scheme.format == SampleFormat::kRatings) return read_known_ratings(path, scheme, parallel);
  if (scheme.format == SampleFormat::kDocword) return read_known_docword(path, scheme);
  if (scheme.format == SampleFormat::kText)
    throw InputError({path},
                     "word vectors are not tried on other text: counts depend on how much there is of it");
  const auto beyond = ignore_unknown ? LibsvmOptions::Beyond::kDrop : LibsvmOptions::Beyond::kRefuse;
  LibsvmFile file = read_rows(files,
                              {.index_base = scheme.index_base,
                               .dimension = scheme.dimension,
                               .beyond = beyond,
                               .may_lack_labels = true},
                              parallel);
  Remarks remarks;
  if (ignore_unknown) remarks["unknown_values"] = file.dropped;
  return {scheme.normalize ? file.data.normalized() : std::move(file.data), std::move(remarks),
          std::move(file.origins), std::move(file.unlabelled)};
}

Dataset encoded(const KnownData& data, const SampleScheme& scheme, const std::string& name) {
  require_labels(data.unlabelled);
  Dataset samples = encode_like(data.samples, scheme.labels, scheme.label_rule, name, data.origins);
  check_labels(samples, scheme.kind, name, data.origins.lines);
  return scheme.factors.empty() ? samples : samples.with_columns_times(scheme.factors);
}

}  // namespace sounder
