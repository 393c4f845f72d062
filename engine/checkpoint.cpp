#include "engine/checkpoint.h"

#include <algorithm>

namespace sounder {

void Checkpoint::take(const Parameters& parameters, const Sampler& sampler, const Turns& turns,
                      std::span<const Block> blocks) {
  if (array_.use_count() != 1) array_ = std::make_shared<std::vector<float>>();
  array_->assign(parameters.all().begin(), parameters.all().end());
  anchors_ = turns.anchors();
  averaged_ = sampler.average() ? sampler.average()->all : 0;
  memory_.clear();
  for (const Block& block : blocks) memory_.insert(memory_.end(), block.memory.begin(), block.memory.end());
}

void Checkpoint::restore(Parameters& parameters, Sampler& sampler, Turns& turns,
                         std::span<Block> blocks) const {
  if (sampler.average()) sampler.set_averaged(averaged_);
  parameters.write(*array_);
  turns.set_anchors(anchors_);
  auto from = memory_.begin();
  for (Block& block : blocks) {
    if (memory_.empty()) {
      std::ranges::fill(block.memory, 0.0F);
      continue;
    }
    const auto end = from + std::ssize(block.memory);
    std::copy(from, end, block.memory.begin());
    from = end;
  }
}

}  // namespace sounder
