#pragma once

#include <cstdlib>
#include <string>

#include "io/dataset.h"
#include "io/libsvm.h"
#include "io/synthetic.h"

namespace sounder::bench {

// Real text where SOUNDER_DATA is set (imdb: 25,000 x 44,208, 3.38 M non-zeros), else generated text of
// RCV1's shape.
inline Dataset text() {
  const char* folder = std::getenv("SOUNDER_DATA");
  if (folder == nullptr || *folder == 0) return generate({});
  return read_libsvm(std::string(folder) + "/imdb/imdb-unigram.train.svm.zst").data;
}

}  // namespace sounder::bench
