// expects: pretext::augmentation: an operation has neither `apply(choice, view&) const` nor
#include <cstdint>
#include <span>
#include <vector>

#include <pretext/augment/presets.hpp>
#include <pretext/core/image.hpp>
#include <pretext/kernels/cpu/augment.hpp>
using namespace pretext;
struct blackout {
  static constexpr std::uint32_t stream_id = 1024, stream_size = 0;
  using choice = bool;
  bool choose(const random_draws&, image_extent, image_extent) const { return true; }
  template <class View>
  void aply(bool, View& view) const {
    view.map([](rgb) { return rgb{}; });
  }
};
void misuse(on<cpu>& context, const std::vector<image>& images, std::span<const std::uint64_t> samples,
            tensor_view<float, shape<32, 32, 3>> views) {
  augment(context, augmentation{blackout{}}, images, samples, 1, 0, views);
}
