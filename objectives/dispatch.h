#pragma once

#include <hwy/highway.h>

#include <cstddef>
#include <cstdint>

namespace sounder {

// Highway's instruction sets, HWY_AVX2 and so on, that this processor and its operating system offer. Says what
// hwy::SupportedTargets() does, for which a program would have to load libhwy (DECISIONS.md 37).
std::int64_t supported_targets();

// The place in a table of Highway's order, HWY_CHOOSE_TARGET_LIST after one more entry, of the best one compiled.
inline std::size_t best_target() {
  hwy::ChosenTarget chosen;
  chosen.Update(supported_targets());
  return chosen.GetIndex();
}

}  // namespace sounder

// For a file that Highway compiles once per instruction set, behind HWY_ONCE: calls `function`, which takes nothing, as
// compiled for the best instruction set that this processor has.
#define SOUNDER_CALL_BEST(function)                                                \
  [] {                                                                             \
    constexpr decltype(&HWY_STATIC_DISPATCH(function)) kCompiled[] = {             \
        nullptr, HWY_CHOOSE_TARGET_LIST(function), HWY_CHOOSE_FALLBACK(function)}; \
    return kCompiled[sounder::best_target()]();                                    \
  }()

// Defines `function`, which gives the table of kernels for positions of 16 or of 32 bits, as the file's narrow() or
// wide() makes it.
#define SOUNDER_DISPATCH(Table, function)                                 \
  template <>                                                             \
  const Table<std::uint16_t>& function() {                                \
    static const Table<std::uint16_t> chosen = SOUNDER_CALL_BEST(narrow); \
    return chosen;                                                        \
  }                                                                       \
  template <>                                                             \
  const Table<std::uint32_t>& function() {                                \
    static const Table<std::uint32_t> chosen = SOUNDER_CALL_BEST(wide);   \
    return chosen;                                                        \
  }
