// expects: pretext: the elements of these views have another type than the context's activations
#include <cstdint>
#include <span>
#include <vector>

#include <pretext/core/image.hpp>
#include <pretext/cpu.hpp>
using namespace pretext;
void misuse(on<cpu, fp64>& context, const std::vector<image>& images, std::span<const std::uint64_t> samples,
            tensor_view<float, shape<32, 32, 3>> views) {
  augment(context, two_views{simclr_cifar()}, images, samples, 1, 0, views);
}
