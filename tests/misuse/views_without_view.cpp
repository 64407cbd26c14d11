// expects: pretext::augment: the views must be an augmentation, two_views{...}, or a type with a number
#include <cstdint>
#include <span>
#include <vector>

#include <pretext/core/image.hpp>
#include <pretext/cpu.hpp>
using namespace pretext;
struct three_views {
  static constexpr std::size_t views = 3;
};
void misuse(on<cpu>& context, const std::vector<image>& images, std::span<const std::uint64_t> samples,
            tensor_view<float, shape<32, 32, 3>> out) {
  augment(context, three_views{}, images, samples, 1, 0, out);
}
