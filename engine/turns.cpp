#include "engine/turns.h"

namespace sounder {

Turns::Turns(const Objective& objective, const Layout& layout, Rule rule)
    : objective_(objective),
      layout_(layout),
      rule_(traits_of(rule)),
      anchors_(layout.cells() * layout.weight_floats() * rule_.anchors) {}

void Turns::visit(Turn turn, const Step& step, Parameters& parameters) {
  if (!rule_.turns && !objective_.shape().turns) return;
  std::vector<float> array(parameters.floats());
  parameters.read(array);
  visit(turn, step, array);
  parameters.write(array);
}

void Turns::lead(const Step& step, Parameters& parameters) {
  if (rule_.derives) visit(Turn::kLead, step, parameters);
}

void Turns::lead(const Step& step, std::span<float> array, std::span<const Cell> support) {
  if (rule_.derives) visit(Turn::kLead, step, array, support);
}

void Turns::visit(Turn turn, const Step& step, std::span<float> array, std::span<const Cell> support) {
  const std::size_t anchors = layout_.weight_floats() * rule_.anchors;
  for (std::size_t place = 0; place < array.size() / layout_.cell_floats(); ++place) {
    const std::size_t cell = support.empty() ? place : support[place];
    LocalWeights local = layout_.local(array.data() + place * layout_.cell_floats());
    if (cell > 0) local.bias = nullptr;
    local.anchors = anchors_.data() + cell * anchors;
    objective_.turn(turn, local, layout_.weight_floats(), step);
  }
}

}  // namespace sounder
