#include <doctest/doctest.h>

#include <functional>
#include <memory>
#include <string>

#include "engine/train.h"
#include "objectives/catalogue.h"
#include "test/support.h"

namespace sounder {
namespace {

// Two pairs, which suit any objective but those of two classes.
Dataset two_pairs() {
  return Dataset(4, {.offsets = {0, 2, 4},
                     .indices = {0, 2, 1, 3},
                     .values = {1, 1, 1, 1},
                     .labels = {1, 2},
                     .weights = {}});
}

std::string refusal(const std::string& name, const std::function<void(Options&)>& change) {
  const auto objective = make_objective(name);
  Options options = options_for(*objective);
  options.threads = 1;
  options.epochs = 1;
  change(options);
  return test::input_error_of([&] { train(two_pairs(), *objective, options); });
}

}  // namespace

TEST_CASE("check: says what training would say of labels and sizes") {
  const Options options = test::with_threads(1);
  const auto refusal_of = [&](const std::string& name, const Dataset& data,
                              const Dataset* validation = nullptr,
                              const ObjectiveParameters& parameters = {}) {
    return test::input_error_of([&] { check(data, *make_objective(name, parameters), options, validation); });
  };
  const Dataset data = two_pairs();
  const Dataset other = data.with_labels({1, 5});
  CHECK(refusal_of("softmax", data, &other) ==
        "row 1 (counted from 0): the label is 5, expected a class: 0 to 2");
  CHECK(refusal_of("softmax", other, nullptr, {{"classes", 3}}).find("expected a class: 0 to 2") !=
        std::string::npos);
  CHECK(!refusal_of("softmax", data.with_labels({0, 1e30F})).empty());
  CHECK(!refusal_of("matrix_completion", data.with_labels({3, 3})).empty());
  CHECK(!refusal_of("softmax", data.with_dimension(std::size_t{1} << 32)).empty());
  CHECK(refusal_of("softmax", data).empty());
}

TEST_CASE("check: options of which an objective makes nothing are refused") {
  const struct {
    const char* objective;
    std::function<void(Options&)> change;
    const char* message;
  } cases[] = {
      {"topic_model", [](Options& o) { o.l2 = 0.5; }, "l2 = 0.5: must be 0, topic_model does not regularise"},
      {"matrix_completion", [](Options& o) { o.rule = Rule::kAdagrad, o.l1 = 0.5; },
       "l1 = 0.5: must be 0, matrix_completion has no l1"},
      {"least_squares", [](Options& o) { o.rule = Rule::kAdagrad, o.l1 = 0.5, o.bias = true; }, ""},
      {"softmax", [](Options& o) { o.bias = true; }, ""},
  };
  for (const auto& [objective, change, message] : cases) CHECK(refusal(objective, change) == message);
}

TEST_CASE("check: a bias is refused where there are constants or pairs") {
  for (const char* name : {"network", "topic_model", "matrix_completion", "matrix_completion_kl",
                           "matrix_completion_one_class", "word_embedding"}) {
    CAPTURE(name);
    const std::string message = refusal(name, [](Options& o) { o.bias = true; });
    CHECK(message.starts_with("bias = 1: must be 0, " + std::string(name)));
    CHECK(refusal(name, [](Options&) {}).empty());
  }
}

TEST_CASE("check: an objective without weights is refused, and so is no block file") {
  struct Nothing final : test::FakeObjective {
    Shape shape() const override { return {.width = 0}; }
  };
  CHECK(test::input_error_of([] { train(two_pairs(), Nothing()); }) ==
        "the objective has a width of 0, expected 1 or more");
  CHECK(test::input_error_of([] { train(std::shared_ptr<const BlockFile>(), *make_objective("hinge")); }) ==
        "no block file to train on");
}

}  // namespace sounder
