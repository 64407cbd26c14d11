#pragma once
#include <cstddef>

#include <pretext/core/expects.hpp>
#include <pretext/kernels/kernel.hpp>

namespace pretext::kernels {

/// Normalised-temperature cross entropy over 2n rows: row i and row i±n are two views of one image. Returns
/// factor × the mean over rows and adds its gradient to dz; memory is O(rows·columns).
///   loss_value run(place, rows, columns, double temperature, double factor, const T* z, T* dz)
template <class Device>
struct nt_xent : missing<Device> {};

namespace detail {
/// Throws std::invalid_argument for what NT-Xent cannot take, on any device.
inline void expects_pairs(std::size_t rows, double temperature) {
  expects(rows >= 2 && rows % 2 == 0, "NT-Xent compares two views of every image, stacked; it cannot take ",
          rows, " rows");
  expects(temperature > 0, "NT-Xent's temperature must be positive, not ", temperature);
}
}  // namespace detail

}  // namespace pretext::kernels
