#pragma once

#include <hwy/highway.h>

#include <cstdint>

// For a file that Highway compiles once per instruction set, behind HWY_ONCE: defines `function`, which gives the table of
// kernels for positions of 16 or of 32 bits, as the file's narrow() or wide() makes it for the best instruction set that
// this processor has.
#define SOUNDER_DISPATCH(Table, function)                                      \
  HWY_EXPORT(narrow);                                                          \
  HWY_EXPORT(wide);                                                            \
  template <>                                                                  \
  const Table<std::uint16_t>& function() {                                     \
    static const Table<std::uint16_t> chosen = HWY_DYNAMIC_DISPATCH(narrow)(); \
    return chosen;                                                             \
  }                                                                            \
  template <>                                                                  \
  const Table<std::uint32_t>& function() {                                     \
    static const Table<std::uint32_t> chosen = HWY_DYNAMIC_DISPATCH(wide)();   \
    return chosen;                                                             \
  }
