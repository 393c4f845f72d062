// Compiled twice: as it is, which must work, and with DANGLING, where the Dataset would outlive the matrix it
// views.
#include "io/eigen.h"

int main() {
  const std::vector<float> labels{1};
  Eigen::SparseMatrix<float, Eigen::RowMajor> x(1, 1);
  x.makeCompressed();
#ifdef DANGLING
  return static_cast<int>(sounder::view_of(std::move(x), labels).nonzeros());
#else
  return static_cast<int>(sounder::view_of(x, labels).nonzeros());
#endif
}
