#pragma once
#include <pretext/kernels/kernel.hpp>

namespace pretext::kernels {

/// U[0, 1) for every place of every sample, from draws 0 to places-1 of the sample's key.
///   run(place, const sample_keys&, batch, places, float* noise)
template <class Device>
struct uniform_noise : missing<Device> {};

/// Sorts the places of each sample by noise, ascending, equal ones by index: order[i] is the place that comes
/// i-th, restore[p] is where place p stands in it.
///   run(place, batch, places, const N* noise, std::uint32_t* order, std::uint32_t* restore)
template <class Device>
struct order_by_noise : missing<Device> {};

/// Nearest-neighbour enlargement of a grid: place (r, c) of the large grid gets the number of (r/factor,
/// c/factor).
///   run(place, batch, rows, columns, factor, const std::uint32_t* coarse, std::uint32_t* fine)
template <class Device>
struct enlarge_grid : missing<Device> {};

}  // namespace pretext::kernels
