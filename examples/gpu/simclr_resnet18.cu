#include "simclr_resnet18.hpp"

#include <pretext/cuda.cuh>

template class pretext::trainer<gpu::method, gpu::place, pretext::lars>;

void gpu::make_views(place& at, std::span<const pretext::image_view> batch,
                     std::span<const std::uint64_t> samples, std::uint64_t seed, std::uint32_t epoch,
                     pretext::tensor_view<place::activation, images> views) {
  augment(at, pretext::two_views{pretext::simclr_cifar()}, batch, samples, seed, epoch, views);
}
