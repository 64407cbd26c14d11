// expects: pretext::augmentation: an operation needs a type `choice`, a `stream_id`, a `stream_size` and
#include <cstdint>

#include <pretext/augment/augmentation.hpp>
using namespace pretext;
struct operation {
  static constexpr std::uint32_t stream_id = 1024;
  using choice = float;
  float choose(const random_draws& draws, image_extent, image_extent) const { return draws.uniform(0); }
};
constexpr augmentation mistake{operation{}};
