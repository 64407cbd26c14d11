// SPDX-License-Identifier: MIT
#pragma once
#include <concepts>
#include <cstddef>

#include <pretext/core/host_device.hpp>
#include <pretext/kernels/kernel.hpp>

namespace pretext::inline v0_1::kernels {

/// Calls `work(row, team)` for every row < rows, in any order and concurrently, for losses and other
/// operations on small matrices that are written once for all devices. `work` is a trivially copyable functor
/// whose call operator is a `PRETEXT_HOST_DEVICE` template. The threads of a team work on one row together:
///   * `team.each(count, f)` calls f(i) for every i < count; afterwards all of them see what f wrote;
///   * `team.sum(count, f)` is Σ f(i) in double, in a fixed order;
///   * `team.maximum(count, f)` is the largest f(i), minus infinity for a count of 0.
/// All threads of a team execute everything outside of these calls, so that is free of side effects.
template <class Device>
struct for_each_row : missing<Device> {};

/// What a loss returns: factor · Σ parts, summed in a fixed order. `parts` are in the device's memory.
template <class Device>
struct sum_of_parts : missing<Device> {};

namespace detail {
/// Stands for any work in the concept below.
struct any_row_work {
  template <class Team>
  PRETEXT_HOST_DEVICE void operator()(std::size_t, const Team&) const {}
};
}  // namespace detail

/// The calls that a device's `for_each_row` accepts.
template <class Context, class Work = detail::any_row_work, class Kernel = for_each_row<device_of<Context>>>
concept ForEachRowKernel = requires(Context& context, std::size_t rows, const Work& work) {
  Kernel::run(context, rows, work);
};

/// The calls that a device's `sum_of_parts` accepts.
template <class Context, class Kernel = sum_of_parts<device_of<Context>>>
concept SumOfPartsKernel = requires(Context& context, std::size_t count, double factor, const double* parts) {
  { Kernel::run(context, count, factor, parts) } -> std::convertible_to<loss_of<Context>>;
};

}  // namespace pretext::inline v0_1::kernels
