#include "objectives/topic_kernels.h"

#include <type_traits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "objectives/topic_kernels.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

#include "objectives/dispatch.h"

HWY_BEFORE_NAMESPACE();
namespace sounder {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

using F = hn::CappedTag<float, 8>;
using One = hn::CappedTag<float, 1>;

// Calls body(tag, k) for the topics from k on, as many as the tag has lanes: whole vectors, then one by one.
template <class Body>
void for_each_part(std::size_t topics, Body&& body) {
  const F f;
  std::size_t k = 0;
  for (; k + hn::Lanes(f) <= topics; k += hn::Lanes(f)) body(f, k);
  for (; k < topics; ++k) body(One(), k);
}

float respond(const TopicKernels::Prior& prior, const float* document, const float* word, float* shares) {
  const F f;
  auto sum = hn::Zero(f);
  float rest = 0;
  for_each_part(prior.topics, [&]<class Tag>(Tag tag, std::size_t k) HWY_ATTR {
    const auto of_document = hn::Add(hn::LoadU(tag, document + k), hn::Set(tag, prior.document));
    const auto of_word = hn::Add(hn::LoadU(tag, word + k), hn::Set(tag, prior.word));
    const auto share = hn::Mul(hn::Mul(of_document, of_word), hn::LoadU(tag, prior.inverse_totals + k));
    hn::StoreU(share, tag, shares + k);
    if constexpr (std::is_same_v<Tag, F>) {
      sum = hn::Add(sum, share);
    } else {
      rest += hn::GetLane(share);
    }
  });
  return hn::GetLane(hn::SumOfLanes(f, sum)) + rest;
}

void add(const float* shares, float factor, std::size_t topics, float* document, float* word, float* change) {
  for_each_part(topics, [&](auto tag, std::size_t k) HWY_ATTR {
    const auto share = hn::Mul(hn::Set(tag, factor), hn::LoadU(tag, shares + k));
    for (float* sum : {document, word, change})
      hn::StoreU(hn::Add(hn::LoadU(tag, sum + k), share), tag, sum + k);
  });
}

TopicKernels chosen() {
  return {respond, add};
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace sounder
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sounder {

const TopicKernels& topic_kernels() {
  static const TopicKernels kernels = SOUNDER_CALL_BEST(chosen);
  return kernels;
}

}  // namespace sounder
#endif
