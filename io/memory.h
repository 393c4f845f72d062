#pragma once

#include <cstddef>

namespace sounder {

// Bytes that this process can have without harm to others: what the machine has available (page cache counts), or the
// limit of its cgroup if that is less.
std::size_t free_memory();

}  // namespace sounder
