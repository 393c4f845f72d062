#pragma once

#include <limits>

namespace sounder {

// What the analysis of asynchronous SGD says (Mania, Pan, Papailiopoulos, Recht, Ramchandran, Jordan,
// "Perturbed iterate analysis for asynchronous stochastic optimization", 2015, section 4). tau: the samples
// that may be in flight while a sample is processed; chance = Dbar / n: that two samples conflict. With
// |gradient| <= M, step gamma and strong convexity m the error a_j = E |x_j - x*|^2 obeys
//
//     a_{j+1} <= (1 - gamma m) a_j + gamma^2 R0 + 2 gamma m R1 + 2 gamma R2
//     R0 = E |g|^2 <= M^2,   R1 = E |x_hat - x|^2 <= gamma^2 M^2 (2 tau + 8 tau^2 chance),
//     R2 = E <x - x_hat, g> <= 4 gamma M^2 tau chance.

// The largest tau at which, by the simple count of conflicts, R2 <= gamma M^2 tau chance, 2 gamma R2 is no more than gamma^2 M^2.
inline double safe_staleness(double chance) {
  return chance > 0 ? 1 / (2 * chance) : std::numeric_limits<double>::infinity();
}

// R1 and R2 over gamma^2 M^2 and gamma M^2.
inline double position_noise_bound(double tau, double chance) {
  return 2 * tau + 8 * tau * tau * chance;
}
inline double alignment_noise_bound(double tau, double chance) {
  return 4 * tau * chance;
}

// Iterations to an accuracy, over those of a serial run: the three noise terms over the first. `contraction`
// = gamma m.
inline double predicted_inflation(double tau, double chance, double contraction) {
  return 1 + 2 * alignment_noise_bound(tau, chance) + 2 * contraction * position_noise_bound(tau, chance);
}

}  // namespace sounder
