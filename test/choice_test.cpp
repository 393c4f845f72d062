#include "engine/choice.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "engine/train.h"
#include "io/synthetic.h"
#include "objectives/catalogue.h"
#include "support.h"

namespace sounder {
namespace {

const char* const kAsked = "as asked for";

Options short_run(std::size_t threads) {
  Options options = test::with_threads(threads);
  options.epochs = 2;
  return options;
}

const Dataset& text() {
  static const Dataset data = generate({.rows = 600, .columns = 3000});
  return data;
}

Report report_of(const Options& options, const Dataset& data = text()) {
  return train(data, *make_objective("logistic"), options).report;
}

// One sentence, that stands behind a colon.
bool is_reason(const std::string& why) {
  return !why.empty() && why.back() != '.' && why.find('\n') == std::string::npos;
}

}  // namespace

TEST_CASE("choices: every option has one, with a reason, whatever the rule, the discipline and the threads") {
  const Dataset data = generate({.rows = 400, .columns = 1000, .nonzeros_per_row = 15});
  for (const Rule rule : all_rules()) {
    for (const Discipline discipline : all_disciplines()) {
      for (const std::size_t threads : test::kThreadSweep) {
        CAPTURE(name_of(rule));
        CAPTURE(name_of(discipline));
        CAPTURE(threads);
        Options options = short_run(threads);
        options.rule = rule;
        options.discipline = discipline;
        const Report report = report_of(options, data);
        int settled = 0;
        report.choices.for_each([&](std::string_view, const Choice& choice) {
          ++settled;
          CHECK(is_reason(choice.why));
        });
        CHECK(settled == 6);
        const std::string& workers = report.choices.threads.value;
        CHECK((workers == "1" ||
               workers == std::to_string(threads)));  // one where data is trained on as it lies
        CHECK(report.choices.discipline.value == name_of(discipline));
        CHECK(report.choices.block.value == std::to_string(report.block_rows));
        CHECK(report.choices.tau.value == std::to_string(report.tau));
        CHECK(report.choices.refresh.value ==
              (report.refresh_rows == 0 ? "never" : std::to_string(report.refresh_rows)));
      }
    }
  }
}

TEST_CASE("choices: what was asked for is said to be") {
  Options options = short_run(2);
  options.discipline = Discipline::kRacy;
  options.block_rows = 64;
  options.refresh_rows = 32;
  options.tau = 256;
  options.step = 0.5;
  report_of(options).choices.for_each([](std::string_view name, const Choice& choice) {
    CAPTURE(name);
    CHECK(choice.why == kAsked);
  });
}

TEST_CASE("choices: what was not asked for never is") {
  report_of(short_run(0)).choices.for_each([](std::string_view name, const Choice& choice) {
    CAPTURE(name);
    CHECK(choice.why != kAsked);
  });
}

TEST_CASE("choices: a step that was found, one thread and no refresh are told in plain words") {
  const Choices found = report_of(short_run(1)).choices;
  CHECK(found.step.why.starts_with("found by trial, two passes over "));
  CHECK(found.step.why.find(
            " rows: the smallest power of two (times the step that moves a margin by its slope) within ") !=
        std::string::npos);
  CHECK(found.refresh.why == "only one thread");
  CHECK(report_of(short_run(0)).choices.threads.why ==
        "as many as are available and have at least some 100 us of work an epoch each");
}

TEST_CASE("choices: a discipline left open is atomic") {
  Options options = short_run(1);
  const Report open = report_of(options);
  options.discipline = Discipline::kAtomic;
  const Report asked = report_of(options);
  CHECK(open.choices.discipline.value == "atomic");
  CHECK(open.objective == asked.objective);
}

TEST_CASE("choices: blocks shrink to a bound on staleness, and say so") {
  Options options = short_run(2);
  options.tau = 16;
  const Report report = report_of(options);
  CHECK(report.tau <= 16);
  CHECK(report.choices.block.why.find("16") != std::string::npos);
  CHECK(report.choices.tau.why == kAsked);
}

TEST_CASE("choices: what is not quite as asked for, or simulated, is said to be so") {
  Options options = short_run(2);
  options.tau = 100;
  options.block_rows = 30;
  const Report bounded = report_of(options);
  CHECK(bounded.tau < 100);
  CHECK(bounded.choices.tau.why == "as many whole tasks as 100 rows allow");
  Options one = short_run(2);
  one.block_rows = 100'000;
  CHECK(report_of(one).choices.block.why == "all rows that there are");
  Options simulated = short_run(1);
  simulated.simulate = 32;
  simulated.block_rows = 2;
  CHECK(report_of(simulated).tau == 62);
}

TEST_CASE("choices: however large block and bound are, an epoch is what there is") {
  constexpr std::size_t kHuge = std::size_t{1} << 63;
  for (const std::size_t threads : test::kThreadSweep) {
    CAPTURE(threads);
    Options options = short_run(threads);
    options.block_rows = 20;
    options.tau = 100'000;
    const Report bounded = report_of(options);
    CHECK(bounded.tau == 600);
    CHECK(bounded.choices.tau.why != kAsked);
    options.tau = options.block_rows = kHuge;
    const Report one = report_of(options);
    CHECK(one.block_rows == 600);
    CHECK(one.choices.tau.value == std::to_string(one.tau));
    CHECK(one.objective < std::log(2));
  }
}

TEST_CASE("choices: the theorem's step and the pace of an objective are named as such") {
  Options options = short_run(1);
  options.schedule = Schedule::kTheorem;
  options.accuracy = 1;
  CHECK(report_of(options).choices.step.why.find("theorem") != std::string::npos);
  const Report pairs = train(test::numbered_rows(50, {{0, 20}, {1, 21}, {2, 22}}),
                             *make_objective("matrix_completion"), short_run(1))
                           .report;
  CHECK(pairs.choices.step.why.find("matrix_completion") != std::string::npos);
}

// Every block pulls and pushes what it touches: with few non-zeros a column, blocks are only few that are large.
TEST_CASE("choices: blocks are as large as pays for their columns, and half as large where epochs are few") {
  constexpr std::size_t kRows = 40'000;
  const auto rows = [&](const Dataset& data, int epochs) {
    Options options = short_run(2);
    options.epochs = epochs;
    options.bias = true;  // so blocks are made
    return report_of(options, data).block_rows;
  };
  const Dataset many = generate({.rows = kRows, .columns = 100'000, .nonzeros_per_row = 20});
  CHECK(rows(many, 9) == (kRows + 11) / 12);
  CHECK(rows(many, 8) == (kRows + 23) / 24);
  CHECK(rows(generate({.rows = kRows, .columns = 100, .nonzeros_per_row = 20}), 9) < (kRows + 11) / 12);
}

TEST_CASE("choices: a tile brings in nothing in between, however large, unless that is asked for") {
  constexpr Coordinate kSide = 150;
  Dataset::Columns parts;
  for (Coordinate user = 0; user < kSide; ++user) {
    for (Coordinate item = kSide; item < 2 * kSide; ++item) {
      parts.indices.insert(parts.indices.end(), {user, item});
      parts.offsets.push_back(parts.indices.size());
      parts.labels.push_back(static_cast<float>((user * item) % 5));
    }
  }
  parts.values.assign(parts.indices.size(), 1);
  const Dataset ratings(2 * kSide, std::move(parts));
  Options options = short_run(8);
  options.block_rows = ratings.rows() / 2;
  const auto refresh = [&] {
    return train(ratings, *make_objective("matrix_completion"), options).report.choices.refresh;
  };
  CHECK(refresh().value == "never");
  CHECK(is_reason(refresh().why));
  options.refresh_rows = 1000;
  CHECK(refresh().value == "1000");
  options.refresh_rows = options.block_rows;
  CHECK(refresh().value == "never");
  CHECK(refresh().why == "blocks are short enough without");
}

TEST_CASE("choices: the fewer rows touch a column, the longer it waits, unless staleness is bounded") {
  const Dataset data = generate({.rows = 4000, .columns = 3000, .nonzeros_per_row = 20});
  const auto waits = [&](Options options) {
    options.epochs = 12;
    options.bias = true;  // so blocks are made
    const Report report = report_of(options, data);
    return report.choices.refresh.why.find("the longer it waits") != std::string::npos;
  };
  for (const std::size_t threads : {2, 3, 4, 8}) CHECK(waits(short_run(threads)));
  CHECK(!waits(short_run(1)));
  Options bounded = short_run(2);
  bounded.tau = 1000;
  CHECK(!waits(bounded));
  Options averaged = short_run(2);
  averaged.average_from = 1;
  CHECK(!waits(averaged));
  Options masked = short_run(2);
  masked.sparsify = Sparsify::kTopK;
  CHECK(!waits(masked));
}

TEST_CASE("choices: values in another unit, however small, lead to the same ones") {
  const Dataset data = generate({.rows = 4000, .columns = 50, .nonzeros_per_row = 20});
  const auto chosen = [&](float unit) {
    Dataset::Columns parts;
    for (std::size_t i = 0; i < data.rows(); ++i) parts.append(data.row(i));
    for (float& value : parts.values) value *= unit;
    Options options = test::with_threads(4);
    options.epochs = 2;
    options.l2 = 0;
    return train(Dataset(data.dimension(), std::move(parts)), *make_objective("hinge"), options).report;
  };
  const Report usual = chosen(1);
  const Report tiny = chosen(0x1p-44F);
  CHECK(tiny.block_rows == usual.block_rows);
  CHECK(tiny.refresh_rows == usual.refresh_rows);
  CHECK(tiny.step * 0x1p-88 == doctest::Approx(usual.step).epsilon(1e-3));
}

TEST_CASE("choices: the step goes by the blocks that were asked for, whatever the discipline's own are") {
  Options options = short_run(2);
  options.rule = Rule::kSaga;
  for (const std::size_t rows : {1U, 100U}) {
    CAPTURE(rows);
    options.block_rows = rows;
    options.discipline = Discipline::kAtomic;
    const double step = report_of(options).step;
    options.discipline = Discipline::kLocked;
    CHECK(report_of(options).step == step);
  }
}

TEST_CASE(
    "choices: columns of very different scales are told of, unless the rule has steps of its own for them") {
  const Dataset even =
      generate({.kind = SyntheticKind::kClassification, .rows = 500, .columns = 20, .nonzeros_per_row = 20});
  Dataset::Columns parts;
  for (std::size_t i = 0; i < even.rows(); ++i) parts.append(even.row(i));
  for (std::size_t k = 0; k < parts.values.size(); ++k)
    parts.values[k] *= parts.indices[k] < 5 ? 1.0F : 1000.0F;
  const Dataset uneven(even.dimension(), std::move(parts));
  const auto note_of = [](const Dataset& data, Rule rule) {
    Options options = test::with_threads(1);
    options.rule = rule;
    options.epochs = 1;
    return train(data, *make_objective("logistic"), options).report.note;
  };
  for (const Rule rule : {Rule::kSgd, Rule::kSaga, Rule::kSdca}) {
    CAPTURE(name_of(rule));
    CHECK(note_of(uneven, rule).starts_with("25 % of the values are in columns a hundred times smaller"));
    CHECK(note_of(even, rule).empty());
  }
  CHECK(note_of(uneven, Rule::kAdagrad).empty());
}

}  // namespace sounder
