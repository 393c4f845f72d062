// A lone thread has nobody to hide its changes from: where the support of its blocks is all cells, it works on the
// parameters themselves, and neither pull nor push moves anything. Where it asks what it changed, they must.
#include "engine/discipline.h"

namespace sounder {
namespace {

class LoneWriter final : public Writer {
 public:
  explicit LoneWriter(Parameters& parameters) : parameters_(parameters) {}

  void pull(Visit& visit, LocalCopy& copy) override {
    visit.compared ? copy.pull(parameters_, visit.support) : copy.look_at(parameters_.all());
  }
  void push(Visit& visit, LocalCopy& copy) override {
    if (visit.compared) parameters_.push_alone(visit.support, copy.before(), copy.after());
  }

 private:
  Parameters& parameters_;
};

}  // namespace

std::unique_ptr<Writer> make_lone_writer(Parameters& parameters) {
  return std::make_unique<LoneWriter>(parameters);
}

}  // namespace sounder
