// A lone thread has nobody to hide its changes from: where the support of its blocks is all cells, it works on the
// parameters themselves, and neither pull nor push moves anything.
#include "engine/discipline.h"

namespace sounder {
namespace {

class LoneWriter final : public Writer {
 public:
  explicit LoneWriter(Parameters& parameters) : parameters_(parameters) {}

  void pull(Visit&, LocalCopy& copy) override { copy.look_at(parameters_.all()); }
  void push(Visit&, LocalCopy&) override {}

 private:
  Parameters& parameters_;
};

}  // namespace

std::unique_ptr<Writer> make_lone_writer(Parameters& parameters) {
  return std::make_unique<LoneWriter>(parameters);
}

}  // namespace sounder
