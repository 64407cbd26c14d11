// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>

#include <pretext/core/cpp20.hpp>

namespace pretext::inline v0_1::detail {

/// What an open file is: `regular` is false for folders, pipes and devices; `size` is in bytes.
struct file_facts {
  bool regular = false;
  std::uint64_t size = 0;
};

/// What became of a lock: `unsupported` where the file system has none.
enum class lock_outcome { locked, taken, unsupported };

}  // namespace pretext::inline v0_1::detail
