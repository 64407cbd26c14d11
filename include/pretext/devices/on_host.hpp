#pragma once
#include <algorithm>
#include <concepts>
#include <cstddef>
#include <span>
#include <vector>

#include <pretext/core/tensor.hpp>
#include <pretext/devices/grid/kernel.hpp>

// Numbers of a device for the host to read and to change: the numbers themselves where the device calculates
// in the host's memory, copies of them elsewhere.
namespace pretext {

/// Lies a device's memory apart from the host's?
template <class D>
inline constexpr bool has_separate_memory = Accelerator<D>;

/// Some numbers of the device; `room` holds the copy, if one is needed, and must live as long as the span.
template <class Device, class T>
std::span<const T> on_host(const typename Device::stream& stream, const T* from, std::size_t count,
                           std::vector<T>& room) {
  if constexpr (has_separate_memory<Device>) {
    room.resize(count);
    Device::read(stream, room.data(), from, count);
    return room;
  } else {
    return {from, count};
  }
}

/// A batch of the place's as floats.
template <class Context, class T, Shape S>
std::span<const float> floats_on_host(const Context& context, tensor_view<const T, S> batch,
                                      std::vector<float>& room) {
  using device = typename Context::device;
  if constexpr (std::same_as<T, float>) {
    return on_host<device>(context.stream, batch.data, batch.size(), room);
  } else {
    std::vector<T> copy;
    const auto numbers = on_host<device>(context.stream, batch.data, batch.size(), copy);
    room.resize(numbers.size());
    std::ranges::transform(numbers, room.begin(), [](T x) { return static_cast<float>(x); });
    return room;
  }
}

/// `use(pointer)` on numbers of the device, which then are what it has made of them.
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

}  // namespace pretext
