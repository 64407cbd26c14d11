#pragma once
// SimCLR with a ResNet-18 on the GPU, for programs that any compiler compiles: what is a kernel stands in
// simclr_resnet18.cu.
#include <pretext/augment/presets.hpp>
#include <pretext/devices/cuda.hpp>
#include <pretext/encoders/resnet.hpp>
#include <pretext/methods/simclr.hpp>
#include <pretext/optimizers/lars.hpp>
#include <pretext/training/device_batches.hpp>
#include <pretext/training/step_queue.hpp>
#include <pretext/training/trainer.hpp>

namespace gpu {

using images = pretext::shape<32, 32, 3>;
using method = pretext::simclr<images, pretext::resnet18<pretext::stem::cifar>>;
using context = pretext::on<pretext::cuda>;
using learner = pretext::trainer<method, context, pretext::lars>;
/// Batches and their two views, made by the GPU of images in its memory.
using batches =
    pretext::device_batches<context, images, decltype(pretext::two_views{pretext::simclr_cifar()})>;
using queue = pretext::step_queue<learner, batches>;

}  // namespace gpu

extern template class pretext::trainer<gpu::method, gpu::context, pretext::lars>;
extern template class pretext::device_batches<gpu::context, gpu::images,
                                              decltype(pretext::two_views{pretext::simclr_cifar()})>;
extern template class pretext::step_queue<gpu::learner, gpu::batches>;
