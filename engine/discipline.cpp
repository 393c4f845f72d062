#include "engine/discipline.h"

#include <algorithm>
#include <array>

namespace sounder {
namespace {

#define SOUNDER_VALUE(Name) Discipline::k##Name,
constexpr std::array kDisciplines = {SOUNDER_DISCIPLINES(SOUNDER_VALUE)};
#undef SOUNDER_VALUE

}  // namespace

const DisciplineTraits& traits_of(Discipline discipline) {
#define SOUNDER_TRAITS(Name) &k##Name##Traits,
  static constexpr std::array kTraits = {SOUNDER_DISCIPLINES(SOUNDER_TRAITS)};
#undef SOUNDER_TRAITS
  return *kTraits[static_cast<std::size_t>(discipline)];
}

std::span<const Discipline> all_disciplines() {
  return kDisciplines;
}

std::unique_ptr<Writer> make_writer(Discipline discipline, Parameters& parameters, std::size_t round_tasks) {
#define SOUNDER_MAKER(Name) make_##Name##_writer,
  static constexpr std::array kMakers = {SOUNDER_DISCIPLINES(SOUNDER_MAKER)};
#undef SOUNDER_MAKER
  return kMakers[static_cast<std::size_t>(discipline)](parameters, round_tasks);
}

void LocalCopy::resize(std::size_t floats) {
  if (2 * floats > capacity_ || !memory_) {
    capacity_ = 2 * floats;
    memory_ = std::make_unique_for_overwrite<float[]>(capacity_);
  }
  size_ = floats;
  before_ = memory_.get();
  after_ = before_ + floats;
}

void LocalCopy::look_at(std::span<float> floats) {
  size_ = floats.size();
  before_ = after_ = floats.data();
}

void LocalCopy::look_at(const LocalCopy& other) {
  size_ = other.size_;
  before_ = other.before_;
  after_ = other.after_;
}

void LocalCopy::copy_before_to_after() const {
  std::copy_n(before(), size_, after());
}

void LocalCopy::pull_first(const Parameters& parameters, std::span<const Cell> first) const {
  parameters.pull(first, before());
  std::copy_n(before(), first.size() * parameters.cell_floats(), after());
}

void LocalCopy::pull(const Parameters& parameters, std::span<const Cell> support) {
  resize(support.size() * parameters.cell_floats());
  parameters.pull(support, before());
  copy_before_to_after();
}

}  // namespace sounder
