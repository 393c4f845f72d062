#include "objectives/dispatch.h"

#if HWY_ARCH_X86
#include <cpuid.h>
#elif HWY_ARCH_ARM_A64
#include <sys/auxv.h>
#endif

namespace sounder {
namespace {

#if HWY_ARCH_X86

// Clang 14's __builtin_cpu_supports() does not know it. The question for AVX2 is also whether the operating system
// saves its registers.
bool has_f16c() {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  return __get_cpuid(1, &eax, &ebx, &ecx, &edx) != 0 && (ecx & bit_F16C) != 0;
}

// What Highway lets the compiler use in code for each set: its HWY_TARGET_STR.
std::int64_t detect() {
  if (!__builtin_cpu_supports("ssse3")) return 0;
  std::int64_t found = HWY_SSSE3;
  if (!__builtin_cpu_supports("sse4.1") || !__builtin_cpu_supports("sse4.2") ||
      !__builtin_cpu_supports("aes") || !__builtin_cpu_supports("pclmul"))
    return found;
  found |= HWY_SSE4;
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") || !__builtin_cpu_supports("bmi") ||
      !__builtin_cpu_supports("bmi2") || !has_f16c())
    return found;
  found |= HWY_AVX2;
  if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512vl") ||
      !__builtin_cpu_supports("avx512dq") || !__builtin_cpu_supports("avx512bw"))
    return found;
  return found | HWY_AVX3;
}

#elif HWY_ARCH_ARM_A64

// Of SVE the code for any length of vector: there is a set of its own for some lengths, which is not asked for.
std::int64_t detect() {
  const unsigned long has = getauxval(AT_HWCAP);
  const unsigned long has2 = getauxval(AT_HWCAP2);
  std::int64_t found = 0;
  if ((has & HWCAP_AES) != 0) found |= HWY_NEON;
  if ((has & HWCAP_SVE) != 0) found |= HWY_SVE;
  if ((has2 & HWCAP2_SVE2) != 0 && (has2 & HWCAP2_SVEAES) != 0) found |= HWY_SVE2;
  return found;
}

#else

std::int64_t detect() {
  return 0;
}

#endif

}  // namespace

std::int64_t supported_targets() {
  return detect() | HWY_STATIC_TARGET;
}

}  // namespace sounder
