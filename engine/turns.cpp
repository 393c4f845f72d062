#include "engine/turns.h"

#include <algorithm>

namespace sounder {

Turns::Turns(const Objective& objective, const Layout& layout, Rule rule)
    : objective_(objective),
      layout_(layout),
      rule_(traits_of(rule)),
      anchors_(layout.cells() * layout.weight_floats() * rule_.anchors) {}

void Turns::visit(Turn turn, const Step& step, Parameters& parameters, const ParallelFor& parallel) {
  constexpr std::size_t kPieceFloats = 16384;  // some 10 us
  if (!has_work(turn)) return;
  const std::size_t cells = parameters.cells();
  const std::size_t piece = (kPieceFloats + parameters.cell_floats() - 1) / parameters.cell_floats();
  float* const all = parameters.all().data();
  parallel((cells + piece - 1) / piece, [&](std::size_t number) {
    for (std::size_t cell = number * piece; cell < std::min(cells, (number + 1) * piece); ++cell)
      visit_cell(turn, step, cell, all + cell * parameters.cell_floats());
  });
}

void Turns::lead(const Step& step, Parameters& parameters) {
  if (rule_.derives) visit(Turn::kLead, step, parameters);
}

void Turns::lead(const Step& step, std::span<float> array, std::span<const Cell> support) {
  if (rule_.derives) visit(Turn::kLead, step, array, support);
}

void Turns::visit(Turn turn, const Step& step, std::span<float> array, std::span<const Cell> support) {
  for (std::size_t place = 0; place < array.size() / layout_.cell_floats(); ++place)
    visit_cell(turn, step, support.empty() ? place : support[place],
               array.data() + place * layout_.cell_floats());
}

bool Turns::has_work(Turn turn) const {
  const Shape shape = objective_.shape();
  if (turn == Turn::kBegin) return rule_.begins || shape.begins;
  if (turn == Turn::kEnd) return rule_.ends || shape.ends;
  return true;
}

void Turns::visit_cell(Turn turn, const Step& step, std::size_t cell, float* floats) {
  LocalWeights local = layout_.local(floats);
  if (cell > 0) local.bias = nullptr;
  local.anchors = anchors_.data() + cell * layout_.weight_floats() * rule_.anchors;
  objective_.turn(turn, local, layout_.weight_floats(), step);
}

}  // namespace sounder
