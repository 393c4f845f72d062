#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "io/dataset.h"

namespace sounder {

// How often a word stands in a document; both are numbered from 0.
struct Count {
  std::uint32_t document;
  std::uint32_t word;
  float count;  // finite, > 0
};

// A bag of words.
struct DocwordFile {
  std::uint32_t documents = 0;
  std::uint32_t words = 0;
  std::vector<Count> counts;  // by document, within a document as in the file; no (document, word) twice
  std::size_t empty_documents = 0;  // those without a word
};

// Reads a bag of words as the UCI repository has them ("Bag of Words" data set, 2008), plain or compressed
// (see io/stream.h): the number of documents, of words and of entries, each on a line of its own, then the
// entries, "document word count" a line, numbered from 1, by document. Blank lines are skipped. Counts need
// not be whole.
//
// Throws InputError with line and column at the first thing that is no such text: a number that is missing or
// out of range (documents and words are 2^32 at most, together), documents out of order, a word twice in a document,
// other than the announced number of entries.
DocwordFile read_docword(const std::string& path);

// The same for text in memory; messages call it `name`.
DocwordFile parse_docword(std::string_view text, const std::string& name);

// Whether text begins as a bag of words does: three lines of one whole number, then one of three numbers.
bool is_docword(std::string_view text);

// As samples: a row a count, whose coordinates are the document and, numbered on from the documents, the word, and
// whose label is the count.
Dataset pairs_of(const DocwordFile& file);

}  // namespace sounder
