#include "objectives/rules.h"

#include <array>

#include "objectives/rule.h"

namespace sounder {
namespace {

#define SOUNDER_VALUE(Name) Rule::k##Name,
constexpr std::array kRules = {SOUNDER_RULES(SOUNDER_VALUE)};
#undef SOUNDER_VALUE

#define SOUNDER_TRAITS(Name) Name##Rule::kTraits,
constexpr std::array kTraits = {SOUNDER_RULES(SOUNDER_TRAITS)};
#undef SOUNDER_TRAITS

}  // namespace

const RuleTraits& traits_of(Rule rule) {
  return kTraits[static_cast<std::size_t>(rule)];
}

std::span<const Rule> all_rules() {
  return kRules;
}

}  // namespace sounder
