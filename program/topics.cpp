#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

#include "io/counted.h"
#include "io/docword.h"
#include "io/error.h"
#include "io/json_text.h"
#include "io/memory.h"
#include "io/model_file.h"
#include "io/output.h"
#include "objectives/topics.h"
#include "program/commands.h"

namespace sounder {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kCoherentWords = 10;

struct Findings {
  std::vector<Topic> topics;
  std::optional<std::vector<double>> coherence;  // of each topic
  std::vector<std::string> words;

  double mean_coherence() const {
    return std::accumulate(coherence->begin(), coherence->end(), 0.0) / static_cast<double>(topics.size());
  }
};

Findings findings_of(const TopicsFlags& flags) {
  const Model model = load_model(flags.model);
  require_topics(model, flags.model);
  Findings findings{topics_of(model, std::max(flags.top, kCoherentWords)), {}, model.names[1]};
  if (!flags.data.empty()) {
    const DocwordFile data = read_docword(flags.data);
    require_at_most("words", data.words, model.names[1].size(), flags.data);
    findings.coherence = coherence_of(findings.topics, data, kCoherentWords);
  }
  for (Topic& topic : findings.topics) topic.words.resize(std::min(flags.top, topic.words.size()));
  return findings;
}

Json to_json(const Findings& findings) {
  Json topics = Json::array();
  for (std::size_t i = 0; i < findings.topics.size(); ++i) {
    const Topic& topic = findings.topics[i];
    Json json{{"topic", topic.number + 1}, {"share", topic.share}};
    if (findings.coherence) json["npmi"] = (*findings.coherence)[i];
    for (const TopicWord& word : topic.words)
      json["words"].push_back({{"word", findings.words[word.word]}, {"probability", word.probability}});
    topics.push_back(std::move(json));
  }
  Json json{{"topics", std::move(topics)}};
  if (findings.coherence) json["npmi"] = findings.mean_coherence();
  return json;
}

std::string describe(const Findings& findings) {
  std::string text = fmt::format("topic   share{}  words\n", findings.coherence ? "   npmi" : "");
  for (std::size_t i = 0; i < findings.topics.size(); ++i) {
    const Topic& topic = findings.topics[i];
    text += fmt::format("{:>5}  {:4.1f} %", topic.number + 1, 100 * topic.share);
    if (findings.coherence) text += fmt::format("  {:5.2f}", (*findings.coherence)[i]);
    for (const TopicWord& word : topic.words)
      text += fmt::format("  {} {:.3f}", findings.words[word.word], word.probability);
    text += '\n';
  }
  if (findings.coherence) text += fmt::format("mean npmi {:.3f}\n", findings.mean_coherence());
  return text;
}

// Which may hold fewer than their first line says.
DocwordFile read_documents(const std::string& path, const Model& model) {
  DocwordFile file = read_docword(path);
  const double each = static_cast<double>(model.width) * sizeof(float) + 2 * sizeof(std::string);
  if (file.documents * each <= static_cast<double>(machine_memory())) return file;
  throw InputError(
      {path}, fmt::format("not enough memory for {} of {} documents; is the number in the first line right?",
                          counted(model.width, "topic"), file.documents));
}

// Of topics in documents that are new to the model or not.
void write_shares(const TopicsFlags& flags, Interrupts& interrupts) {
  const std::string output = flags.output.empty() ? kStandardOutput : flags.output;
  const Model model = load_model(flags.model);
  require_topics(model, flags.model);
  Arena arena({});
  const Model folded =
      fold_in(model, read_documents(flags.documents, model), flags.documents, parallel_on(arena));
  const Interrupts::Hold hold(interrupts);
  write_predictions(output, shares_of_topics(folded), folded.width);
  if (output != kStandardOutput)
    say(fmt::format("shares of {} in {} in {}\n", counted(folded.width, "topic"),
                    counted(folded.names[0].size(), "document"), output));
}

}  // namespace

void observe(Model& model, const EvaluateFlags& flags, const ParallelFor& parallel) {
  require_topics(model, flags.model);
  model = fold_in(model, read_documents(flags.observed, model), flags.observed, parallel);
}

int run(const TopicsFlags& flags, Interrupts& interrupts) {
  if (!flags.documents.empty()) {
    write_shares(flags, interrupts);
    return interrupts.exit_code();
  }
  const Findings findings = findings_of(flags);
  const Interrupts::Hold hold(interrupts);
  if (!flags.json.empty()) write_file(flags.json, json_text(to_json(findings)));
  if (flags.json != kStandardOutput) say(describe(findings));
  return interrupts.exit_code();
}

}  // namespace sounder
