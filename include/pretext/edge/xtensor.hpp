// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

// xtensor moved its headers into folders with version 0.26.
#if __has_include(<xtensor/containers/xtensor.hpp>)
#include <xtensor/containers/xadapt.hpp>
#include <xtensor/containers/xtensor.hpp>
#else
#include <xtensor/xadapt.hpp>
#include <xtensor/xtensor.hpp>
#endif

#include <pretext/core/expects.hpp>
#include <pretext/core/image.hpp>
#include <pretext/core/tensor.hpp>
#include <pretext/data/memory_source.hpp>

namespace pretext::inline v0_1 {

namespace detail {

template <class S>
constexpr std::array<std::size_t, S::rank + 1> batched_extents(std::size_t batch) {
  std::array<std::size_t, S::rank + 1> extents{batch};
  for (std::size_t i = 0; i < S::rank; ++i) extents[i + 1] = S::extents[i];
  return extents;
}

template <class S, class Extents>
void check_extents(const Extents& extents) {
  for (std::size_t i = 0; i < S::rank; ++i)
    expects(extents[i + 1] == S::extents[i], "an xtensor has the extent ", extents[i + 1], " along axis ",
            i + 1, " where samples have ", S::extents[i]);
}

}  // namespace detail

/// A batch on the CPU, (N, extents of S), as an xtensor expression of rank 1 + S::rank, without copying: the
/// memory of the view must outlive it.
template <class T, Shape S>
auto as_xtensor(tensor_view<T, S> batch) {
  return xt::adapt(batch.data, batch.size(), xt::no_ownership(), detail::batched_extents<S>(batch.batch));
}

/// A copy of a batch on the CPU as an xtensor that owns its memory.
template <class T, Shape S>
auto to_xtensor(tensor_view<T, S> batch) {
  return xt::xtensor<std::remove_const_t<T>, S::rank + 1>{as_xtensor(batch)};
}

/// An xtensor as a batch of samples of shape S, without copying: the xtensor must outlive the view. Throws
/// std::invalid_argument if its extents are not (N, extents of S).
template <Shape S, class T>
tensor_view<T, S> view_of(xt::xtensor<T, S::rank + 1>& batch) {
  detail::check_extents<S>(batch.shape());
  return {batch.data(), batch.shape()[0]};
}
template <Shape S, class T>
tensor_view<const T, S> view_of(const xt::xtensor<T, S::rank + 1>& batch) {
  detail::check_extents<S>(batch.shape());
  return {batch.data(), batch.shape()[0]};
}

/// Pixels in memory, (H, W) or (H, W, C), as an image without copying: a container, an adaptor or a strided
/// view such as `xt::view(frame, xt::range(8, 40), xt::all())`. They must outlive it. Throws
/// std::invalid_argument for another number of dimensions.
template <class X>
  requires ImageSample<typename X::value_type> && requires(const X& pixels) {
    pixels.strides();
    pixels.data();
    pixels.data_offset();
  }
image_view image_view_of(const X& pixels, sample_range range = {}) {
  const auto& extents = pixels.shape();
  const std::size_t rank = extents.size();
  expects(rank == 2 || rank == 3, "an xtensor of ", rank,
          " dimensions is no image; it needs (height, width) or "
          "(height, width, channels)");
  const auto size = static_cast<std::ptrdiff_t>(sizeof(typename X::value_type));
  // xtensor gives an axis of extent 1 the stride 0.
  const auto stride = [&](std::size_t axis) {
    return size * static_cast<std::ptrdiff_t>(pixels.strides()[axis]);
  };
  image_view picture = view_of(pixels.data() + pixels.data_offset(), static_cast<std::size_t>(extents[0]),
                               static_cast<std::size_t>(extents[1]),
                               rank == 3 ? static_cast<std::size_t>(extents[2]) : 1, range);
  picture.strides = {stride(0), stride(1), rank == 3 ? stride(2) : size};
  return picture;
}

/// 8-bit images (N, H, W, C) and their labels as a source, without copying: the xtensor must outlive it.
inline memory_source source_of(const xt::xtensor<std::uint8_t, 4>& images, std::vector<int> labels = {},
                               std::vector<std::string> class_names = {}) {
  const auto& extents = images.shape();
  return {images.data(),
          {extents[0], extents[1], extents[2], extents[3]},
          std::move(labels),
          std::move(class_names)};
}

}  // namespace pretext::inline v0_1
