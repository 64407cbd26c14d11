#pragma once
// SimCLR with a ResNet-18 on the GPU, for programs that any compiler compiles: what is a kernel stands in
// simclr_resnet18.cu.
#include <cstdint>
#include <span>

#include <pretext/augment/presets.hpp>
#include <pretext/data/image.hpp>
#include <pretext/devices/cuda.hpp>
#include <pretext/encoders/resnet.hpp>
#include <pretext/methods/simclr.hpp>
#include <pretext/optimizers/lars.hpp>
#include <pretext/training/trainer.hpp>

namespace gpu {

using images = pretext::shape<32, 32, 3>;
using method = pretext::simclr<images, pretext::resnet18<pretext::stem::cifar>>;
using place = pretext::on<pretext::cuda>;
using learner = pretext::trainer<method, place, pretext::lars>;

/// Two views of every image, in device memory.
void make_views(place& at, std::span<const pretext::image_view> batch, std::span<const std::uint64_t> samples,
                std::uint64_t seed, std::uint32_t epoch,
                pretext::tensor_view<place::activation, images> views);

}  // namespace gpu

extern template class pretext::trainer<gpu::method, gpu::place, pretext::lars>;
