#pragma once
#include <pretext/kernels/kernel.hpp>

namespace pretext::kernels {

/// Makes the views of a batch: view v of image i goes to out[v · n + i], channels last.
///   void run(place, views, images, samples, seed, epoch, tensor_view<T, shape<H, W, 3>> out)
template <class Device>
struct augment : missing<Device> {};

}  // namespace pretext::kernels
