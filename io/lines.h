#pragma once

#include <string>
#include <vector>

namespace sounder {

// The lines of a file, plain or compressed (see io/input.h), without what ends them: "\n", "\r\n" or a lone
// "\r". Line i of the file is element i - 1, so that a vocabulary names word i; empty lines are kept, blanks
// as well, a byte order mark is not. Throws InputError when the file cannot be read.
std::vector<std::string> read_lines(const std::string& path);

}  // namespace sounder
