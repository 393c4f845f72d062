#pragma once

#include <cstddef>
#include <span>
#include <string_view>

// The update rules. To add one: write objectives/rule_NAME.h, which defines NameRule, include it in
// objectives/rules.h and add its line here; `--rule NAME`, its help, its tests and its benchmark follow.
//
//   X(Name)
#define SOUNDER_RULES(X) X(Sgd) X(Svrg) X(Saga) X(Sdca) X(Adagrad) X(Ftrl)

namespace sounder {

// How a step moves the weights.
enum class Rule {
#define SOUNDER_VALUE(Name) k##Name,
  SOUNDER_RULES(SOUNDER_VALUE)
#undef SOUNDER_VALUE
};

// Where a rule gets its step from when the user gives none.
enum class StepChoice {
  kTrial,       // tried out on a sample of the rows
  kSmoothness,  // 1 over the smoothness of the samples' losses
  kUnit,        // 1, or what is much better on a sample of the rows
  kReach,       // 3 over the typical length of a sample, or the same
  kNone,        // it has no step
};

// How its step must move for it to converge, if the user does not say.
enum class Fade { kNone, kLinear, kAnneal };

// What the engine has to know about a rule. What a rule keeps is additive: it changes by what tasks add to it,
// and travels with the weights, through the same pull and push.
struct RuleTraits {
  std::string_view name;
  std::string_view help;

  std::size_t state = 0;  // floats it keeps for each weight, beside it
  // It needs n / degree of each coordinate: a dense term is then applied on supports only.
  bool reweights = false;
  std::size_t memory = 0;   // floats it keeps for each sample
  std::size_t anchors = 0;  // floats it keeps for each weight that no step sees, only turn()

  bool scales = false;     // leaves L2 to the one decaying scale of all weights (Step::scale)
  bool l1 = false;         // can minimise with L1
  bool smooth = false;     // needs a loss without kinks
  bool snapshots = false;  // every third pass is not an update but a gradient of all samples
  bool shares = false;     // what blocks change at the same time is averaged where they meet, not added
  bool dual = false;       // ascends the dual: has a duality gap, needs l2 > 0 and no bias
  bool derives = false;    // its weights follow from its state
  bool begins = false;     // has work to do on all coordinates when an epoch begins (turn()),
  bool ends = false;       // or ends

  StepChoice step = StepChoice::kTrial;
  Fade fade = Fade::kAnneal;

  constexpr bool turns() const { return begins || ends; }
};

const RuleTraits& traits_of(Rule rule);
std::span<const Rule> all_rules();

}  // namespace sounder
