// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include <pretext/core/host_device.hpp>

namespace pretext::inline v0_1::detail {

/// A column of one view's embeddings. Views are stacked, (images, columns) each; `row` counts the columns of
/// the first view, then those of the second, and so on.
template <class T>
class view_column {
 public:
  PRETEXT_HOST_DEVICE view_column(T* z, std::size_t images, std::size_t columns, std::size_t row)
      : first_{z + row / columns * images * columns + row % columns}, step_{columns} {}

  /// The element of an image.
  PRETEXT_HOST_DEVICE T& operator[](std::size_t image) const { return first_[image * step_]; }

 private:
  T* first_;
  std::size_t step_;
};

}  // namespace pretext::inline v0_1::detail
