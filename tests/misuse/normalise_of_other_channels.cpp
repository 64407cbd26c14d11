// expects: pretext::normalise: the views have another number of channels
#include <cstdint>
#include <span>
#include <vector>

#include <pretext/augment/presets.hpp>
#include <pretext/core/image.hpp>
#include <pretext/kernels/cpu/augment.hpp>
using namespace pretext;
void misuse(on<cpu>& context, const std::vector<image>& images, std::span<const std::uint64_t> samples,
            tensor_view<float, shape<32, 32, 4>> views) {
  augment(context, augmentation{normalise{}}, images, samples, 1, 0, views);
}
