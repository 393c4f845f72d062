// Trains a classifier on the rows of an Eigen matrix, and gets its weights back as an Eigen vector.
#include <Eigen/SparseCore>
#include <cstdio>
#include <vector>

#include "engine/train.h"
#include "io/eigen.h"
#include "objectives/catalogue.h"

int main() {
  // Row i has two ones: one that tells its class, one that does not.
  constexpr int kRows = 1000;
  Eigen::SparseMatrix<float, Eigen::RowMajor> x(kRows, 20);
  std::vector<float> labels;
  for (int i = 0; i < kRows; ++i) {
    x.insert(i, i % 10) = 1;
    x.insert(i, 10 + i % 7) = 1;
    labels.push_back(i % 10 < 5 ? 1 : -1);
  }
  x.makeCompressed();

  const sounder::Trained trained = sounder::train(
      sounder::view_of(x, labels), *sounder::make_objective("logistic"), {.l2 = 1e-3, .epochs = 10});
  const Eigen::VectorXf weights = sounder::weights_of(trained.model);
  const Eigen::VectorXf margins = x * weights;
  const auto right =
      (margins.array() * Eigen::Map<Eigen::VectorXf>(labels.data(), kRows).array() > 0).count();
  std::printf("accuracy %.1f %%\n", 100.0 * static_cast<double>(right) / kRows);
}
