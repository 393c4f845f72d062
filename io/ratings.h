#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "io/dataset.h"
#include "io/error.h"
#include "io/ids.h"
#include "io/parallel.h"
#include "io/row_origins.h"

namespace sounder {

// How ratings are read: one a line, "user item rating", and what follows (a time, say) is ignored. Between the
// fields stands a tab, "::", a comma or blanks (spaces, tabs; any number of them): what fits the first rating
// is expected in all lines. Blanks around a field are no part of it. Users and items are any strings without
// the separator; between commas, fields may be in double quotes, with quotes inside them doubled. Ratings are
// finite decimal numbers; pairs may do without, or with an empty one. Blank lines are skipped, and so is a header: a
// first line of three or more fields of which none is a number, "nan" or "inf", and the third begins with a letter; or
// of two, above a line of two numbers.
struct RatingsOptions {
  // The only users or items there are, when set: others are unknown. Must outlive the call.
  const Ids* users = nullptr;
  const Ids* items = nullptr;
};

struct RatingsFile {
  // A row a rating, in the order of the file: value 1 at the user's number and at users.size() plus the item's
  // number, the rating is the label. A user or item that is unknown has no coordinate.
  Dataset data;
  // Says where the first line without a rating is, whose label is 0; for who needs them all to throw.
  std::optional<InputError> unrated;
  Ids users;  // those of the options or, without, those of the file
  Ids items;
  // For each user the items that he has rated, in order, each once; of users or items that were given, nothing.
  std::vector<std::vector<std::uint32_t>> rated;
  std::uint64_t duplicates = 0;     // ratings of an item that the user has rated before; they are kept
  std::uint64_t unknown_users = 0;  // ratings, not users
  std::uint64_t unknown_items = 0;
  bool header = false;
  RowOrigins origins;
};

// Reads a file, plain or compressed (see io/stream.h). Throws InputError with line and column at the first line
// that is no rating, but for a missing one, and when there are no ratings at all. `duplicates` stays 0 when users or
// items are given. The outcome does not depend on `parallel`.
RatingsFile read_ratings(const std::string& path, const RatingsOptions& options = {},
                         const ParallelFor& parallel = run_serially);

// The same for text in memory; messages call it `name`.
RatingsFile parse_ratings(std::string_view text, const std::string& name, const RatingsOptions& options = {},
                          const ParallelFor& parallel = run_serially);

// Whether text begins as ratings do, of four fields at most, in its first line or behind a header; "1 2:3 4", which has
// blanks and a colon, does not: LIBSVM text looks like that.
bool is_ratings(std::string_view text);

}  // namespace sounder
