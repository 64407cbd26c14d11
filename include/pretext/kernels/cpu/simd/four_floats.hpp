// SPDX-License-Identifier: MIT
#pragma once
#include <cstring>

#include <pretext/core/cpp20.hpp>

namespace pretext::inline v0_1::kernels::detail {

/// A vector of the compiler's extension, which every processor with vectors of 16 bytes has instructions for.
typedef float four_floats __attribute__((vector_size(16)));

/// Loads from memory of any alignment and of any type of 16 bytes.
inline four_floats load_four(const void* from) {
  four_floats loaded;
  std::memcpy(&loaded, from, sizeof loaded);
  return loaded;
}

inline void store_four(void* to, four_floats x) { std::memcpy(to, &x, sizeof x); }

struct four_by_four {
  four_floats row[4];
};

/// The columns of four rows.
inline four_by_four transposed(four_floats a, four_floats b, four_floats c, four_floats d) {
  const four_floats low = __builtin_shufflevector(a, b, 0, 4, 1, 5),
                    high = __builtin_shufflevector(a, b, 2, 6, 3, 7),
                    low2 = __builtin_shufflevector(c, d, 0, 4, 1, 5),
                    high2 = __builtin_shufflevector(c, d, 2, 6, 3, 7);
  return {{__builtin_shufflevector(low, low2, 0, 1, 4, 5), __builtin_shufflevector(low, low2, 2, 3, 6, 7),
           __builtin_shufflevector(high, high2, 0, 1, 4, 5),
           __builtin_shufflevector(high, high2, 2, 3, 6, 7)}};
}

}  // namespace pretext::inline v0_1::kernels::detail
