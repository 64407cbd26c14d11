#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

namespace pretext::inline v0_1 {

/// 8-bit pixels without ownership: (height, width, channels), row by row, channels last.
struct image_view {
  const std::uint8_t* pixels = nullptr;
  std::size_t height = 0, width = 0, channels = 0;
};

/// An owned 8-bit image: (height, width, channels), row by row, channels last.
struct image {
  std::size_t height = 0, width = 0, channels = 0;
  std::vector<std::uint8_t> pixels;

  operator image_view() const { return {pixels.data(), height, width, channels}; }
};

}  // namespace pretext::inline v0_1
