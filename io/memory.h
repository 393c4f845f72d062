#pragma once

#include <cstddef>

namespace sounder {

// Bytes of the machine's memory. More than that is not worth asking for: the system may grant it and end the process
// when it is written to.
std::size_t machine_memory();

// Bytes that this process can have without harm to others: what the machine has available (page cache counts), or the
// limit of its cgroup if that is less.
std::size_t free_memory();

}  // namespace sounder
