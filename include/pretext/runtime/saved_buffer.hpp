// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <functional>
#include <string_view>

#include <pretext/core/cpp20.hpp>

namespace pretext::inline v0_1 {

/// A flat buffer that a checkpoint holds, in the memory of any device.
struct saved_buffer {
  std::string_view name;  ///< in the checkpoint
  std::size_t count;      ///< elements
  std::size_t element_size;
  bool floating;
  std::function<void(void* host)> read;         ///< copies bytes() bytes to the host
  std::function<void(const void* host)> write;  ///< copies bytes() bytes from the host

  std::size_t bytes() const { return count * element_size; }
};

}  // namespace pretext::inline v0_1
