// SPDX-License-Identifier: MIT
#pragma once
#include <concepts>
#include <cstddef>
#include <type_traits>
#include <utility>

#include <pretext/core/shape.hpp>

namespace pretext::inline v0_1 {

/// A batch of samples without ownership: a pointer, the number of samples, known at run time, and the shape
/// of a sample, known at compile time. Samples are stored one after another, channels last.
template <class T, Shape S>
struct tensor_view {
  using sample = S;
  T* data = nullptr;
  std::size_t batch = 0;

  constexpr tensor_view() = default;
  constexpr tensor_view(T* first, std::size_t count) : data{first}, batch{count} {}
  template <std::same_as<std::remove_const_t<T>> U>
    requires std::is_const_v<T>
  constexpr tensor_view(tensor_view<U, S> writable) : data{writable.data}, batch{writable.batch} {}

  constexpr std::size_t size() const { return batch * S::size; }
  /// `count` samples from `first` on.
  constexpr tensor_view part(std::size_t first, std::size_t count) const {
    return {data + first * S::size, count};
  }
  /// The same elements as samples of another shape of equal size.
  template <Shape Other>
    requires(Other::size == S::size)
  constexpr tensor_view<T, Other> as() const { return {data, batch}; }
};

/// The initial contents of memory.
enum class contents { zero, undefined };

/// Owned device memory of `size()` elements, zero unless constructed with `contents::undefined`. Move-only;
/// moving into a buffer releases its old memory at once.
template <class T, class D>
class buffer {
 public:
  buffer() = default;
  explicit buffer(std::size_t count, contents initial = contents::zero)
      : data_{allocate(count, initial)}, count_{count} {}
  buffer(buffer&& other) noexcept
      : data_{std::exchange(other.data_, nullptr)}, count_{std::exchange(other.count_, 0)} {}
  buffer& operator=(buffer&& other) noexcept {
    if (this == &other) return *this;
    D::release(data_);
    data_ = std::exchange(other.data_, nullptr);
    count_ = std::exchange(other.count_, 0);
    return *this;
  }
  ~buffer() { D::release(data_); }

  T* data() const { return data_; }
  std::size_t size() const { return count_; }

 private:
  static T* allocate(std::size_t count, contents initial) {
    if constexpr (requires { D::template allocate_undefined<T>(count); })
      if (initial == contents::undefined) return D::template allocate_undefined<T>(count);
    return D::template allocate<T>(count);
  }

  T* data_ = nullptr;
  std::size_t count_ = 0;
};

/// A batch that owns its samples and grows on demand. Move-only.
template <class T, Shape S, class D>
class tensor {
 public:
  tensor() = default;
  explicit tensor(std::size_t batch) { resize(batch); }
  /// Sets the number of samples. As with Eigen's `resize`, the contents are unspecified afterwards; memory is
  /// allocated only if the batch is larger than every one before, and then invalidates earlier views.
  tensor_view<T, S> resize(std::size_t batch) {
    if (batch * S::size > memory_.size()) {
      batch_ = 0;
      memory_ = {};  // first, so that old and new memory are never allocated at once
      memory_ = buffer<T, D>{batch * S::size};
    }
    batch_ = batch;
    return *this;
  }
  operator tensor_view<T, S>() { return {memory_.data(), batch_}; }
  operator tensor_view<const T, S>() const { return {memory_.data(), batch_}; }
  tensor_view<T, S> view() { return *this; }
  tensor_view<const T, S> view() const { return *this; }

 private:
  buffer<T, D> memory_;
  std::size_t batch_ = 0;
};

}  // namespace pretext::inline v0_1
