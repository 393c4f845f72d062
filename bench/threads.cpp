// Whether a second thread ever slows training: train() with its default options on one thread and on two, in turn, medians
// of runs. Million non-zeros a second of updates alone, seconds of everything before and between updates (building blocks,
// the search for a step, evaluation), and the objectives reached. A ratio is of the speeds, or of all the seconds: above 1
// the second thread gains. The last columns are the speed of the whole call.
//
//   bench/threads generated    rows of 10 to 10,000 non-zeros, uniform or by Zipf's law, of 100 to 10 M columns
//   bench/threads small        10 to 10,000 rows
//   bench/threads data         the sets of SOUNDER_DATA
//
// Another argument is how many runs, 5 without; one more, which rows: those with this in their name.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <exception>
#include <memory>
#include <string>
#include <vector>

#include "engine/stopwatch.h"
#include "engine/train.h"
#include "io/docword.h"
#include "io/error.h"
#include "io/idx.h"
#include "io/input.h"
#include "io/labels.h"
#include "io/libsvm.h"
#include "io/max_flow.h"
#include "io/ratings.h"
#include "io/synthetic.h"
#include "objectives/catalogue.h"
#include "objectives/cut_problem.h"
#include "objectives/graph_cut.h"

namespace sounder::bench {
namespace {

constexpr std::array kThreads = {1, 0};  // 0: as many as are good for it

struct Runs {
  std::vector<double> speed;   // non-zeros a second of updates
  std::vector<double> beside;  // seconds of train_on() without updates
  std::vector<double> whole;   // seconds
  std::vector<double> objective;
  int threads = 0;
};

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

void run(const Dataset& data, const Objective& objective, Options options, Runs& runs) {
  double seconds = 0;
  const Report report = timed(seconds, [&] { return train(data, objective, options); }).report;
  runs.speed.push_back(report.nonzeros_per_second);
  runs.beside.push_back(seconds - report.train_seconds);
  runs.whole.push_back(seconds);
  runs.objective.push_back(report.objective);
  runs.threads = report.threads;
}

// By pairs: what disturbs one run of a pair mostly disturbs both.
double median_ratio(const std::vector<double>& values, const std::vector<double>& by) {
  std::vector<double> ratios;
  for (std::size_t i = 0; i < values.size(); ++i) ratios.push_back(values[i] / by[i]);
  return median(std::move(ratios));
}

class Table {
 public:
  Table(int repeats, std::string part) : repeats_(repeats), part_(std::move(part)) {
    fmt::print("{:<40}{:>9}{:>7}{:>7}{:>7}{:>11}{:>9}{:>7}{:>11}{:>7}{:>14}{:>12}\n", "", "rows", "M/s: 1",
               "2", "ratio", "other s: 1", "2", "ratio", "whole s: 1", "ratio", "objective: 1", "2");
  }

  bool wants(const std::string& name) const { return name.find(part_) != name.npos; }

  void row(const std::string& name, const Dataset& data, const Objective& objective,
           const Options& options = {}) {
    if (!wants(name)) return;
    std::array<Runs, kThreads.size()> runs;
    for (int repeat = -1; repeat < repeats_; ++repeat) {
      if (repeat == 0) runs = {};  // the first is to warm up
      for (std::size_t k = 0; k < kThreads.size(); ++k) {
        Options with = options;
        with.threads = kThreads[k];
        run(data, objective, with, runs[k]);
      }
    }
    const auto& [one, two] = runs;
    fmt::print(
        "{:<40}{:>9}{:>7.0f}{:>7.0f}{:>7.2f}{:>11.4f}{:>9.4f}{:>7.2f}{:>11.4f}{:>7.2f}{:>14.6g}{:>12.6g}{}\n",
        name, data.rows(), median(one.speed) / 1e6, median(two.speed) / 1e6,
        median_ratio(two.speed, one.speed), median(one.beside), median(two.beside),
        median_ratio(one.beside, two.beside), median(one.whole), median_ratio(one.whole, two.whole),
        median(one.objective), median(two.objective), two.threads == 1 ? "  on one thread" : "");
    std::fflush(stdout);
  }

 private:
  int repeats_;
  std::string part_;
};

void text_row(Table& table, std::size_t rows, std::size_t columns, double nonzeros, double zipf) {
  const std::string name =
      fmt::format("{} of {} columns, {}", nonzeros, columns, zipf == 0 ? "uniform" : "Zipf");
  if (!table.wants(name)) return;
  table.row(name,
            generate({.rows = rows, .columns = columns, .nonzeros_per_row = nonzeros, .zipf_exponent = zipf}),
            *make_objective("hinge"));
}

void generated(Table& table) {
  constexpr double kNonzeros = 4e6;
  for (const std::size_t columns : {100, 10'000, 1'000'000, 10'000'000}) {
    for (const double nonzeros : {10.0, 100.0, 1000.0, 10'000.0}) {
      if (nonzeros > static_cast<double>(columns)) continue;
      const auto rows = static_cast<std::size_t>(kNonzeros / nonzeros);
      for (const double zipf : {0.0, 1.1}) text_row(table, rows, columns, nonzeros, zipf);
    }
  }
}

void small(Table& table) {
  for (const std::size_t rows : {10, 100, 1000, 10'000})
    for (const double nonzeros : {10.0, 100.0}) text_row(table, rows, 10'000, nonzeros, 1.1);
}

Dataset two_classes(const std::string& path, const LabelRule& rule = {}) {
  return encode_two_classes(read_libsvm(path).data, rule, path).data;
}

void linear(Table& table, const std::string& name, const Dataset& data) {
  for (const char* loss : {"hinge", "logistic"}) table.row(name + ", " + loss, data, *make_objective(loss));
}

// With the rule, the l2 and the epochs that suit the objective.
void of_its_own(Table& table, const std::string& name, const Dataset& data, const Objective& objective) {
  Options options = options_for(objective);
  options.epochs = std::min(options.epochs, 30);
  table.row(name + ", " + objective.name(), data, objective, options);
}

void cut(Table& table, const std::string& name, const std::string& path) {
  const CutProblem problem = cut_problem(read_max_flow(path));
  of_its_own(table, name, problem.edges, *make_graph_cut(problem));
}

Dataset digits(const std::string& folder) {
  const std::string path = folder + "train-images-idx3-ubyte.zst";
  const Input images(path);
  return encode_classes(parse_idx_samples(images.bytes(), path, folder + "train-labels-idx1-ubyte.zst"), path)
      .data;
}

void real(Table& table) {
  const char* const set = std::getenv("SOUNDER_DATA");
  if (set == nullptr) throw InputError("SOUNDER_DATA is not set: the folder with imdb/, news20/, ...");
  const std::string folder = std::string(set) + "/";
  linear(table, "imdb", two_classes(folder + "imdb/imdb-unigram.train.svm.zst"));
  linear(table, "reuters", two_classes(folder + "reuters21578/reuters21578-modapte.train.svm.zst"));
  linear(table, "a9a", two_classes(folder + "a9a/a9a"));
  const Dataset news = read_libsvm(folder + "news20/news20.bz2").data.normalized();
  linear(table, "news20", encode_two_classes(news, {.positive_above = 10.5, .positive_class = {}}, "").data);
  of_its_own(table, "news20", encode_classes(news, "").data, *make_objective("softmax"));
  of_its_own(table, "mnist", digits(folder + "mnist/"), *make_objective("softmax"));
  const auto completion = make_objective("matrix_completion");
  for (const char* file : {"movielens-100k/u.data", "movielens-10m/ml10m.train.txt.zst"})
    of_its_own(table, file, read_ratings(folder + file).data, *completion);
  cut(table, "fish", folder + "graphcut/210088.max.zst");
  cut(table, "flowers", folder + "graphcut/124084.max.zst");
  const auto topics = make_objective("topic_model");
  for (const char* file : {"docword-kos/docword.kos.txt.gz", "20news/docword.20news.txt.zst"})
    of_its_own(table, file, pairs_of(read_docword(folder + file)), *topics);
}

void choose(const std::string& which, Table table) {
  if (which == "generated") return generated(table);
  if (which == "small") return small(table);
  if (which == "data") return real(table);
  throw InputError("usage: threads generated|small|data [REPEATS [PART OF A NAME]]");
}

}  // namespace
}  // namespace sounder::bench

int main(int count, char** arguments) try {
  const int repeats = count > 2 ? std::max(1, std::atoi(arguments[2])) : 5;
  sounder::bench::choose(count > 1 ? arguments[1] : "", {repeats, count > 3 ? arguments[3] : ""});
  return 0;
} catch (const std::exception& error) {
  fmt::print(stderr, "threads: {}\n", error.what());
  return 2;
}
