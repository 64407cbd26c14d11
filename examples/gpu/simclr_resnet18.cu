#include "simclr_resnet18.hpp"

#include <pretext/cuda.cuh>

template class pretext::trainer<gpu::method, gpu::context, pretext::lars>;
template class pretext::device_batches<gpu::context, gpu::images,
                                       decltype(pretext::two_views{pretext::simclr_cifar()})>;
template class pretext::step_queue<gpu::learner, gpu::batches>;
