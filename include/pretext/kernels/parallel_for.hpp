// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include <pretext/core/host_device.hpp>
#include <pretext/kernels/kernel.hpp>

namespace pretext::inline v0_1::kernels {

/// Calls `work(i)` for every i < n, in any order and concurrently. For small work that is the same on all
/// devices. `work` is a trivially copyable functor whose call operator is `PRETEXT_HOST_DEVICE`.
template <class Device>
struct parallel_for : missing<Device> {};

namespace detail {
/// Stands for any work in the concept below.
struct any_work {
  PRETEXT_HOST_DEVICE void operator()(std::size_t) const {}
};
}  // namespace detail

/// The calls that a device's `parallel_for` accepts.
template <class Context, class Work = detail::any_work, class Kernel = parallel_for<device_of<Context>>>
concept ParallelForKernel = requires(Context& context, std::size_t n, const Work& work) {
  Kernel::run(context, n, work);
};

}  // namespace pretext::inline v0_1::kernels
