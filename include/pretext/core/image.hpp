#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

namespace pretext {

/// 8-bit pixels somebody else owns: height · width · channels numbers, channels last.
struct image_view {
  const std::uint8_t* pixels = nullptr;
  std::size_t height = 0, width = 0, channels = 0;
};

/// 8-bit pixels that own themselves, channels last.
struct image {
  std::size_t height = 0, width = 0, channels = 0;
  std::vector<std::uint8_t> pixels;

  operator image_view() const { return {pixels.data(), height, width, channels}; }
};

}  // namespace pretext
