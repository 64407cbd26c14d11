// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstddef>

#include <pretext/devices/cpu.hpp>
#include <pretext/kernels/patches.hpp>

namespace pretext::inline v0_1::kernels {

/// Copies the lines of each patch.
template <>
struct patches<cpu> {
  template <class Context, class T>
  static void gather(Context& context, const patch_extents& e, std::size_t batch, const index_list& chosen,
                     const T* images, T* rows) {
    context.stream.for_each_run(batch, samples, [&](std::size_t first, std::size_t last) {
      for (std::size_t n = first; n < last; ++n)
        for_each_line(e, n, chosen, [&](std::size_t pixel, std::size_t element, std::size_t length) {
          std::copy_n(images + pixel, length, rows + element);
        });
    });
  }

  template <class Context, class T>
  static void scatter(Context& context, const patch_extents& e, std::size_t batch, const index_list& chosen,
                      const T* rows, T* images) {
    const std::size_t size = e.height * e.width * e.channels;
    const bool covered = chosen.count == e.patches() && e.height % e.patch == 0 && e.width % e.patch == 0;
    context.stream.for_each_run(batch, samples, [&](std::size_t first, std::size_t last) {
      if (!covered) std::fill(images + first * size, images + last * size, T{0});
      for (std::size_t n = first; n < last; ++n)
        for_each_line(e, n, chosen, [&](std::size_t pixel, std::size_t element, std::size_t length) {
          std::copy_n(rows + element, length, images + pixel);
        });
    });
  }

 private:
  static constexpr std::size_t samples = 4;  // per unit of work

  /// Calls `visit(pixel, element, length)` for each line of each chosen patch of a sample: its first index in
  /// the images and in the rows, and its length.
  template <class Visit>
  static void for_each_line(const patch_extents& e, std::size_t sample, const index_list& chosen,
                            const Visit& visit) {
    const std::size_t length = e.patch * e.channels;
    for (std::size_t j = 0; j < chosen.count; ++j) {
      const std::size_t at = chosen.position(sample, j), row = at / e.columns() * e.patch;
      for (std::size_t line = 0; line < e.patch; ++line)
        visit(((sample * e.height + row + line) * e.width + at % e.columns() * e.patch) * e.channels,
              ((sample * chosen.count + j) * e.patch + line) * length, length);
    }
  }
};

}  // namespace pretext::inline v0_1::kernels
