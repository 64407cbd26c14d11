#pragma once
#include <pretext/kernels/kernel.hpp>

namespace pretext::kernels {

/// `work(i)` for every i < n, in any order: for what is the same on all devices and nobody waits for.
///   run(place, n, const Work& work)
template <class Device>
struct parallel_for : missing<Device> {};

}  // namespace pretext::kernels
