#pragma once
#include <algorithm>
#include <cstddef>
#include <cstring>
#include <type_traits>

#include <pretext/core/arena.hpp>
#include <pretext/devices/cpu.hpp>
#include <pretext/kernels/convolution.hpp>
#include <pretext/kernels/cpu/pack_pairs.hpp>
#include <pretext/kernels/cpu/tile.hpp>
#include <pretext/kernels/cpu/transposed_product.hpp>

// Convolutions of colour images. Taps of three numbers each are too short to be gathered one by one, so what
// the kernel sees of the image is copied into one row for each pixel of the result.
namespace pretext::kernels::detail {

/// Channels up to which copies pay, and the longest row that they make.
inline constexpr std::size_t most_narrow = 4, longest_patch = 64 * most_narrow;

/// Pixels of the result in a run of copied rows: a multiple of the rows of every register tile.
inline constexpr std::size_t patch_rows = 48;
static_assert(patch_rows % most_tile_rows == 0);

/// A copy of a dozen numbers, without a call.
template <class T>
void copy_short(const T* from, std::size_t count, T* to) {
  std::size_t i = 0;
  for (; i + 8 <= count; i += 8) std::memcpy(to + i, from + i, 8 * sizeof(T));
  for (; i + 2 <= count; i += 2) std::memcpy(to + i, from + i, 2 * sizeof(T));
  if (i < count) to[i] = from[i];
}

/// (count, rows, columns, in) numbers that the kernel sees for `count` pixels of the result from `first` on,
/// zeros where there is no image.
template <class T>
void copy_patches(const convolution_extents& e, const T* x, std::size_t first, std::size_t count, T* to) {
  const std::size_t across = e.out_width(), pixels = e.out_height() * across, length = e.columns * e.in;
  std::size_t sample = first / pixels, a = first % pixels / across, b = first % across;
  for (std::size_t done = 0; done < count; ++done) {
    const std::size_t left = b * e.stride, top = a * e.stride;  // in the padded image
    const std::size_t before = std::min(e.columns, e.padding - std::min(e.padding, left)) * e.in;
    const std::size_t past = std::max(left + e.columns, e.padding + e.width) - e.padding - e.width;
    const std::size_t after = std::min(e.columns * e.in - before, past * e.in);
    for (std::size_t i = 0; i < e.rows; ++i, to += length) {
      const std::size_t row = top + i - e.padding;  // what lies above became huge
      if (row >= e.height) {
        std::fill_n(to, length, T{0});
        continue;
      }
      const T* line = x + (sample * e.height + row) * e.width * e.in;
      std::fill_n(to, before, T{0});
      copy_short(line + left * e.in + before - e.padding * e.in, length - before - after, to + before);
      std::fill_n(to + length - after, after, T{0});
    }
    if (++b < across) continue;
    b = 0;
    if (++a < e.out_height()) continue;
    a = 0;
    ++sample;
  }
}

/// y = x * w over copied rows.
template <class Place, class T>
void convolve_patches(Place& place, const convolution_extents& e, std::size_t batch, const T* x, const T* w,
                      T* y) {
  using factor = factor_of<Place, T>;
  constexpr bool rounds = !std::is_same_v<factor, T>;
  const borrowed guard{place.scratch};
  const std::size_t depth = e.taps() * e.in, lines = factors<factor>(depth);
  const std::size_t width = panel_width<factor>(), height = tile_rows();
  factor* packed = place.scratch.template take<factor>(panels<factor>(e.out) * lines * width);
  pack_panels(w, depth, e.out, e.out, std::size_t{1}, packed, 0, panels<factor>(e.out), lines * width);
  factor* const rounded =
      place.scratch.template take<factor>(rounds ? place.stream.threads() * patch_rows * lines : 0);
  T* buffers = place.scratch.template take<T>(place.stream.threads() * patch_rows * longest_patch);
  const std::size_t count = batch * e.out_height() * e.out_width();
  place.stream.for_each_block(
      (count + patch_rows - 1) / patch_rows, [&](std::size_t block, std::size_t thread) {
        const std::size_t first = block * patch_rows, rows = std::min(patch_rows, count - first);
        T* patches = buffers + thread * patch_rows * longest_patch;
        copy_patches(e, x, first, rows, patches);
        const factor* left;
        if constexpr (rounds) {
          factor* own = rounded + thread * patch_rows * lines;
          round_rows(patches, rows, depth, depth, own, lines);
          left = own;
        } else {
          left = patches;
        }
        for (std::size_t column = 0; column < e.out; column += width) {
          const factor* right = packed + column * lines;
          for (std::size_t row = 0; row < rows; row += height) {
            const std::size_t used = std::min(height, rows - row);
            const factor* a[most_tile_rows];
            T* c[most_tile_rows];
            for (std::size_t r = 0; r < height; ++r) {
              const std::size_t at = row + std::min(r, used - 1);
              a[r] = left + at * lines;
              c[r] = y + (first + at) * e.out + column;
            }
            run_tile(gathered_product<factor>{a, &right, 1, lines, c, used, std::min(width, e.out - column),
                                              false});
          }
        }
      });
}

/// Columns [begin, end) of the copied rows [first, first + length), in strips.
template <class Factor, class T>
void pack_patches(const convolution_extents& e, const T* x, const strips<Factor>& piece, std::size_t begin,
                  std::size_t end, std::size_t first, std::size_t length) {
  constexpr std::size_t run = 16;
  const std::size_t depth = e.taps() * e.in;
  T patches[run * longest_patch];
  for (std::size_t done = 0; done < length; done += run) {
    const std::size_t rows = std::min(run, length - done);
    copy_patches(e, x, first + done, rows, patches);
    piece.pack(0, end - begin, done, rows, [&](std::size_t i) { return patches + i * depth + begin; });
  }
}

}  // namespace pretext::kernels::detail
