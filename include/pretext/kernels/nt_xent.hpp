#pragma once
#include <pretext/kernels/kernel.hpp>

namespace pretext::kernels {

/// Normalised-temperature cross entropy over 2n rows: row i and row i±n are two views of one image. Returns
/// factor × the mean over rows and adds its gradient to dz; memory is O(rows·columns).
///   loss_value run(place, rows, columns, double temperature, double factor, const T* z, T* dz)
template <class Device>
struct nt_xent : missing<Device> {};

}  // namespace pretext::kernels
