#pragma once

#include <span>
#include <string>
#include <string_view>

namespace sounder {

// The candidate that the fewest edits make of the word: letters that are added, left out, changed, or swapped with the next one. Of
// equals, one that begins with the word, then the first. Empty where it takes more than one edit for every three letters: then
// something else was meant. Dashes in front do not count.
std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates);

// For the end of a message: ", did you mean NAME?", or nothing.
std::string did_you_mean(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace sounder
