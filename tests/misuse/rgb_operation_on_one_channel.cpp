// expects: pretext: an operation of this augmentation is for RGB pixels
#include <cstdint>
#include <span>
#include <vector>

#include <pretext/augment/presets.hpp>
#include <pretext/core/image.hpp>
#include <pretext/kernels/cpu/augment.hpp>
using namespace pretext;
struct swap_red_and_blue {
  static constexpr std::uint32_t stream_id = 0, stream_size = 0;
  struct choice {};
  choice choose(const random_draws&, image_extent, image_extent) const { return {}; }
  template <class View>
  void apply(choice, View& view) const {
    view.map([](rgb p) { return rgb{p.b, p.g, p.r}; });
  }
};
void misuse(on<cpu>& context, const std::vector<image>& images, std::span<const std::uint64_t> samples,
            tensor_view<float, shape<32, 32, 1>> views) {
  augment(context, augmentation{swap_red_and_blue{}}, images, samples, 1, 0, views);
}
