// SPDX-License-Identifier: MIT
#pragma once
#include <concepts>
#include <cstddef>

#include <pretext/core/cpp20.hpp>

// A device is a type without objects: static functions for memory and the type `stream`, the order in which
// work is executed. Layers and methods are templates over it, so a device needs no base class, and a test can
// supply one.
namespace pretext::inline v0_1 {

/// What the library requires of every device. Memory is aligned to 64 bytes; `allocate` clears it. `write`
/// and `read` copy from and to the host, `clear` sets elements to zero, all of them in the order of the
/// stream; the host may change or read its elements when `write` or `read` has returned. A default stream
/// must be usable, and copies of a stream are the same stream.
///
/// Optional members: `allocate_undefined<T>(count)`, memory that is not cleared; `pages_on_demand`, if memory
/// costs nothing before it is written; `default_numerics`, the numerics of `on<D>`, else fp32;
/// `stores_compute_type`, if activations are stored in the type that products multiply; `loss_value`, the
/// result of a loss, else double.
template <class D>
concept Device = std::default_initializable<typename D::stream> && std::copyable<typename D::stream> &&
    requires(const typename D::stream& stream, float* memory, const float* source, float* host,
             const float* from_host, std::size_t count) {
  { D::template allocate<float>(count) } -> std::same_as<float*>;
  D::release(memory);
  D::write(stream, memory, from_host, count);
  D::read(stream, host, source, count);
  D::clear(stream, memory, count);
};

namespace detail {
/// Does the device declare that it executes grids of blocks of threads?
template <class D>
concept declares_accelerator = D::is_accelerator;
}  // namespace detail

/// A device whose kernels are grids of blocks of threads and whose memory is separate from the host's:
/// `cuda_gpu`, and the devices that tests emulate. Besides the members of Device, the stream has
/// `most_shared_memory()`, the bytes that one block can share; `wait_loss()`, the address of the last loss in
/// the device's memory; and `take_loss()`, which waits for it. `free_memory()` is the number of bytes that
/// can still be allocated. A device with `record(stream, work)` replays steps as graphs.
template <class D>
concept Accelerator = detail::declares_accelerator<D> && Device<D> &&
    requires(const typename D::stream& stream, std::size_t count) {
  typename D::loss_value;
  { D::template allocate_undefined<float>(count) } -> std::same_as<float*>;
  { D::free_memory() } -> std::convertible_to<std::size_t>;
  { stream.most_shared_memory() } -> std::convertible_to<std::size_t>;
  { stream.wait_loss() } -> std::same_as<double*>;
  { stream.take_loss() } -> std::same_as<double>;
};

}  // namespace pretext::inline v0_1
