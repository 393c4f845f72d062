#pragma once

#include <string>
#include <string_view>

namespace sounder {

// What a run settled on for an option that it may leave open, and what speaks for that, in a sentence. Empty: not
// settled.
struct Choice {
  std::string value = {};
  std::string why = {};
};

// Of all such options, as a plan (engine/plan.h) or a report has them.
struct Choices {
  Choice threads = {};  // that train
  Choice discipline = {};
  Choice block = {};
  Choice refresh = {};
  Choice tau = {};
  Choice step = {};

  // Calls body(name of the option, choice) for each that is settled.
  template <class Body>
  void for_each(Body&& body) const {
    const auto tell = [&](std::string_view name, const Choice& choice) {
      if (!choice.value.empty()) body(name, choice);
    };
    tell("threads", threads);
    tell("discipline", discipline);
    tell("block", block);
    tell("refresh", refresh);
    tell("tau", tau);
    tell("step", step);
  }
};

}  // namespace sounder
