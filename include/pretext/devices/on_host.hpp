// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <concepts>
#include <cstddef>
#include <span>
#include <vector>

#include <pretext/core/tensor.hpp>
#include <pretext/devices/grid/kernel.hpp>

// Access from the host to a device's elements without a copy where the device computes in the host's memory
// (the CPU), and with one elsewhere. All functions wait for the work on the stream.
namespace pretext::inline v0_1 {

/// Is the device's memory separate from the host's?
template <class D>
inline constexpr bool has_separate_memory = Accelerator<D>;

/// `count` elements of the device. `storage` holds the copy, if one is needed, and must outlive the span.
template <class Device, class T>
std::span<const T> on_host(const typename Device::stream& stream, const T* from, std::size_t count,
                           std::vector<T>& storage) {
  if constexpr (has_separate_memory<Device>) {
    storage.resize(count);
    Device::read(stream, storage.data(), from, count);
    return storage;
  } else {
    return {from, count};
  }
}

/// A batch of the device, converted to float where it has another type.
template <class Context, class T, Shape S>
std::span<const float> floats_on_host(const Context& context, tensor_view<const T, S> batch,
                                      std::vector<float>& storage) {
  using device = typename Context::device;
  if constexpr (std::same_as<T, float>) {
    return on_host<device>(context.stream, batch.data, batch.size(), storage);
  } else {
    std::vector<T> copy;
    const auto values = on_host<device>(context.stream, batch.data, batch.size(), copy);
    storage.resize(values.size());
    std::ranges::transform(values, storage.begin(), [](T x) { return static_cast<float>(x); });
    return storage;
  }
}

/// Calls `use(pointer)` with `count` elements of the device and stores the elements that it changed.
template <class Device, class T, class Use>
void change_on_host(const typename Device::stream& stream, T* data, std::size_t count, const Use& use) {
  if constexpr (has_separate_memory<Device>) {
    std::vector<T> copy(count);
    Device::read(stream, copy.data(), data, count);
    use(copy.data());
    Device::write(stream, data, copy.data(), count);
  } else {
    use(data);
  }
}

}  // namespace pretext::inline v0_1
