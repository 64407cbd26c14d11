// SPDX-License-Identifier: MIT
#pragma once
// OpenCV's cv::Mat is recognised by its members, so that this header needs no OpenCV and takes other types
// like it.
#include <concepts>
#include <cstddef>
#include <cstdint>

#include <pretext/core/expects.hpp>
#include <pretext/core/image.hpp>
#include <pretext/core/image_layout.hpp>

namespace pretext::inline v0_1 {

/// A type with the members of cv::Mat that describe an image.
template <class M>
concept MatLike = requires(const M& mat) {
  { mat.data } -> std::convertible_to<const unsigned char*>;
  { mat.rows } -> std::convertible_to<int>;
  { mat.cols } -> std::convertible_to<int>;
  {static_cast<std::size_t>(mat.step)};
  { mat.channels() } -> std::convertible_to<int>;
  { mat.depth() } -> std::convertible_to<int>;
};

/// The order of the color channels in memory; the fourth channel is alpha in both.
enum class channel_order : std::uint8_t { blue_first, red_first };

/// A matrix of OpenCV as an image, which must outlive the view: its rows may be padded, colors are BGR unless
/// `order` says otherwise, and an alpha channel is left out. Samples have 8 bits, 16 bits or floats (CV_8U,
/// CV_16U, CV_32F). Throws std::invalid_argument for an empty matrix and other samples.
template <MatLike M>
image_view image_view_of(const M& mat, channel_order order = channel_order::blue_first,
                         sample_range range = {}) {
  expects(mat.data && mat.rows > 0 && mat.cols > 0, "image_view_of: the matrix is empty");
  const int depth = mat.depth();
  expects(depth == 0 || depth == 2 || depth == 5, "image_view_of: samples of depth ", depth,
          " are not supported; convert them to CV_8U, CV_16U or CV_32F");
  const auto channels = static_cast<std::size_t>(mat.channels());
  image_view picture{mat.data,
                     static_cast<std::size_t>(mat.rows),
                     static_cast<std::size_t>(mat.cols),
                     channels,
                     depth == 0   ? sample_type::uint8
                     : depth == 2 ? sample_type::uint16
                                  : sample_type::float32,
                     range,
                     {}};
  picture = with_row_stride(picture, static_cast<std::size_t>(mat.step));
  if (channels == 4) picture = first_channels(picture, 3);
  return picture.channels == 3 && order == channel_order::blue_first ? reversed_channels(picture) : picture;
}

}  // namespace pretext::inline v0_1
