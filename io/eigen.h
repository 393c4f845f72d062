#pragma once

#include <Eigen/Core>
#include <Eigen/SparseCore>
#include <span>
#include <string>
#include <vector>

#include "io/dataset.h"
#include "io/error.h"
#include "io/model.h"

namespace sounder {

// The rows of `x` as samples, without a copy of its non-zeros: `x` must outlive the Dataset and every copy of
// it, and stay unchanged meanwhile. Throws InputError when `x` is not compressed, when there is not one label
// a row, and for all that Dataset refuses.
inline Dataset view_of(const Eigen::SparseMatrix<float, Eigen::RowMajor>& x, std::span<const float> labels) {
  if (!x.isCompressed()) throw InputError("the matrix is not compressed: call makeCompressed() first");
  if (static_cast<Eigen::Index>(labels.size()) != x.rows())
    throw InputError("found " + std::to_string(labels.size()) + " labels, expected " +
                     std::to_string(x.rows()) + ", one for each row of the matrix");
  const auto nonzeros = static_cast<std::size_t>(x.nonZeros());
  // An object may be read through the unsigned counterpart of its type; a negative index fails the range
  // check.
  const auto* indices = reinterpret_cast<const Coordinate*>(x.innerIndexPtr());
  return Dataset::view(static_cast<std::size_t>(x.cols()),
                       {x.outerIndexPtr(), x.outerIndexPtr() + x.outerSize() + 1}, {indices, nonzeros},
                       {x.valuePtr(), nonzeros}, {labels.begin(), labels.end()});
}
Dataset view_of(const Eigen::SparseMatrix<float, Eigen::RowMajor>&& x,
                std::span<const float> labels) = delete;

// The weights of a model as one vector: dimension x width entries, coordinate by coordinate.
inline Eigen::VectorXf weights_of(const Model& model) {
  return Eigen::Map<const Eigen::VectorXf>(model.weights.data(),
                                           static_cast<Eigen::Index>(model.weights.size()));
}

}  // namespace sounder
