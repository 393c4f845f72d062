#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sounder {

// Words are runs of letters: those of ASCII, in lower case, and all bytes >= 0x80, so that UTF-8 words stay whole (in
// the case that they have).
struct TextOptions {
  std::uint32_t min_count = 5;       // rarer words are passed over, as if the text did not have them; >= 1
  std::uint32_t most_words = 50000;  // only so many are kept, the most frequent; 2 to 2^31 - 1
  std::uint32_t window = 10;         // words at most so far apart on a line are met together; 1 to 1000
};

// Two words, by number, and how often they were met: 1 / distance each time.
struct Meeting {
  std::uint32_t word;
  std::uint32_t other;  // >= word
  double count;
};

// Which words of a text stand near which.
struct Cooccurrences {
  std::vector<std::string> words;  // by falling frequency, words of the same as they came first
  std::vector<Meeting> meetings;   // by word, then by other; no pair twice
  std::uint64_t tokens = 0;        // words of the text, with those passed over
};

// Throws InputError, with the name of the flag of the program, when an option is out of range.
void validate(const TextOptions& options);

// Reads any text, plain or compressed (see io/stream.h), counting as GloVe does (Pennington, Socher, Manning, 2014,
// section 4.2). Nothing is met across a line end. Takes time linear in tokens x window, and memory of four bytes a
// token and at most 64 a pair. Throws InputError when the file cannot be read, when an option is out of range, and when
// no two different words are met.
Cooccurrences read_cooccurrences(const std::string& path, const TextOptions& options = {});

// The same for text in memory; messages call it `name`.
Cooccurrences count_cooccurrences(std::string_view text, const std::string& name,
                                  const TextOptions& options = {});

}  // namespace sounder
