// SPDX-License-Identifier: MIT
#pragma once
#include <concepts>
#include <cstddef>
#include <cstdint>

#include <pretext/core/cpp20.hpp>

namespace pretext::inline v0_1::detail {

/// Named options of a trainer: the seed of the initial weights and the stream, or on a CPU the number of
/// threads.
template <class Device>
struct trainer_options {
  std::uint64_t seed = 1;
  typename Device::stream stream{};

  typename Device::stream make_stream() const { return stream; }
};
template <class Device>
  requires std::constructible_from<typename Device::stream, std::size_t>
struct trainer_options<Device> {
  std::uint64_t seed = 1;
  std::size_t threads = 1;

  typename Device::stream make_stream() const { return typename Device::stream{threads}; }
};

}  // namespace pretext::inline v0_1::detail
