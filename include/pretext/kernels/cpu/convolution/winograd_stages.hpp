// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstddef>

#include <pretext/devices/cpu.hpp>
#include <pretext/kernels/cpu/batch_norm/blocked_moments.hpp>
#include <pretext/kernels/cpu/convolution/epilogue.hpp>
#include <pretext/kernels/cpu/convolution/winograd_transforms.hpp>
#include <pretext/kernels/cpu/gemm/tile_shape.hpp>
#include <pretext/kernels/cpu/simd/isa.hpp>
#include <pretext/kernels/cpu/simd/prefetch.hpp>

namespace pretext::inline v0_1::kernels::detail::winograd {

/// The tiles that cover a batch of images, image after image; the last of a row or column may extend beyond
/// the image.
struct tiling {
  std::size_t height, width, batch;
  std::size_t down = (height + tile_out - 1) / tile_out, across = (width + tile_out - 1) / tile_out;

  std::size_t count() const { return batch * down * across; }

  /// Pointers to the Side×Side pixels that start `margin` pixels above and left of a tile; `outside` for
  /// pixels beyond the image.
  template <std::size_t Side, class T>
  void window(std::size_t tile, std::size_t margin, T* images, std::size_t channels, T* outside,
              T* (&at)[Side * Side]) const {
    const std::size_t image = tile / (down * across), top = tile / across % down * tile_out;
    const std::size_t left = tile % across * tile_out;
    T* pixels = images + image * height * width * channels;
    for (std::size_t i = 0; i < Side; ++i) {
      const std::size_t row = top + i - margin;  // rows above the image wrapped to huge ones
      for (std::size_t j = 0; j < Side; ++j) {
        const std::size_t column = left + j - margin;
        const bool inside = row < height && column < width;
        at[i * Side + j] = inside ? pixels + (row * width + column) * channels : outside;
      }
    }
  }
};

/// 36 matrices (tiles, channels). Rows are padded by a cache line, and matrices by another, so that neither
/// map to few cache sets.
template <class T>
struct planes {
  std::size_t rows, step, plane;
  T* data;

  static std::size_t padded_step(std::size_t channels) {
    const std::size_t width = panel_width<T>();
    return (channels + width - 1) / width * width + lanes<T>;
  }
  static std::size_t size_of(std::size_t rows, std::size_t channels) {
    return products * (rows * padded_step(channels) + lanes<T>);
  }
  planes(T* at, std::size_t row_count, std::size_t channels)
      : rows{row_count}, step{padded_step(channels)}, plane{rows * step + lanes<T>}, data{at} {}
  T* at(std::size_t product, std::size_t row) const { return data + product * plane + row * step; }
  planes from(std::size_t row) const {
    planes rest = *this;
    rest.data += row * step;
    return rest;
  }
};

/// The pixels of the tile after `tile` that it does not share with others, prefetched while `tile` is
/// transformed: rows of tiles are too short for the hardware prefetcher.
template <class T>
class next_tile {
 public:
  next_tile(const tiling& tiles, std::size_t tile, std::size_t last, const T* data, std::size_t channels,
            const T* zeros) {
    tiles.window<tile_out>(std::min(tile + 1, last - 1), 0, data, channels, zeros, pixel_);
  }
  void prefetch(std::size_t channel) const {
    for (const T* pixel : pixel_) prefetch_line(pixel + channel);
  }

 private:
  const T* pixel_[tile_out * tile_out];
};

/// Bᵀ d B of tiles [first, last), channels [begin, end) of `channels`.
template <class T>
void transform_input(const tiling& tiles, std::size_t first, std::size_t last, const T* x,
                     std::size_t channels, std::size_t begin, std::size_t end, const T* zeros,
                     const planes<T>& v) {
  vectorised([&] {
    const T* pixel[tile_in * tile_in];
    for (std::size_t tile = first; tile < last; ++tile) {
      tiles.window<tile_in>(tile, 1, x, channels, zeros, pixel);
      const next_tile<T> next{tiles, tile, last, x, channels, zeros};
      for (std::size_t c = begin; c < end; c += lanes<T>) {
        next.prefetch(c);
        transform_2d<input_line, T>(
            [&](std::size_t i, std::size_t j) { return pixel[i * tile_in + j] + c; },
            [&](std::size_t i, std::size_t j) { return v.at(i * tile_in + j, tile - first) + c - begin; });
      }
    }
  });
}

/// A dY Aᵀ of tiles [first, last), channels [begin, end) of `channels`.
template <class T>
void transform_output_gradient(const tiling& tiles, std::size_t first, std::size_t last, const T* dy,
                               std::size_t channels, std::size_t begin, std::size_t end, const T* zeros,
                               const planes<T>& d) {
  vectorised([&] {
    const T* pixel[tile_out * tile_out];
    for (std::size_t tile = first; tile < last; ++tile) {
      tiles.window<tile_out>(tile, 0, dy, channels, zeros, pixel);
      const next_tile<T> next{tiles, tile, last, dy, channels, zeros};
      for (std::size_t c = begin; c < end; c += lanes<T>) {
        next.prefetch(c);
        transform_2d<output_gradient_line, T>(
            [&](std::size_t i, std::size_t j) { return pixel[i * tile_out + j] + c; },
            [&](std::size_t i, std::size_t j) { return d.at(i * tile_in + j, tile - first) + c - begin; });
      }
    }
  });
}

/// Adds `lanes` channels from c on of a tile's pixels to the moments; a null pixel is beyond the image.
template <class T>
void add_tile(T* const (&pixel)[tile_out * tile_out], std::size_t c, const partial_moments<T>& moments) {
  const T* at[tile_out * tile_out];
  for (std::size_t i = 0; i < tile_out * tile_out; ++i)
    at[i] = (pixel[i] ? pixel[i] : moments.origin) + c;  // whose difference from itself is 0
  T first[lanes<T>], second[lanes<T>];
  for (std::size_t lane = 0; lane < lanes<T>; ++lane) {
    const T origin = moments.origin[c + lane];
    T sum = 0, square = 0;
#pragma GCC unroll 16
    for (std::size_t i = 0; i < tile_out * tile_out; ++i) {
      const T d = at[i][lane] - origin;
      sum += d;
      square += d * d;
    }
    first[lane] = sum;
    second[lane] = square;
  }
  for (std::size_t lane = 0; lane < lanes<T>; ++lane) moments.sum[c + lane] += first[lane];
  for (std::size_t lane = 0; lane < lanes<T>; ++lane) moments.square[c + lane] += second[lane];
}

/// y (+)= Aᵀ m A of tiles [first, last), channels [begin, end) of `channels`, the moments of y and its
/// epilogue.
template <class T>
void transform_output(const tiling& tiles, std::size_t first, std::size_t last, const planes<T>& m,
                      std::size_t channels, std::size_t begin, std::size_t end, T* y, bool accumulate,
                      const partial_moments<T>& moments, const applied_epilogue<T>& epilogue) {
  vectorised([&] {
    T* pixel[tile_out * tile_out];
    std::size_t inside = 0;
    for (std::size_t tile = first; tile < last; ++tile) {
      tiles.window<tile_out>(tile, 0, y, channels, static_cast<T*>(nullptr), pixel);
      for (std::size_t c = begin; c < end; c += lanes<T>) {
        transform_2d<output_line, T>(
            [&](std::size_t i, std::size_t j) { return m.at(i * tile_in + j, tile - first) + c - begin; },
            [&](std::size_t i, std::size_t j) {
              T* to = pixel[i * tile_out + j];
              return to ? to + c : nullptr;
            },
            accumulate);
        if (!moments) continue;
        if (tile == first) moments.begin(pixel[0], c, c + lanes<T>);
        add_tile(pixel, c, moments);
      }
      if (epilogue)
        for (T* const to : pixel)
          if (to) epilogue.apply(to + begin, begin, end - begin);
      inside += static_cast<std::size_t>(
          std::count_if(pixel, pixel + tile_out * tile_out, [](T* at) { return at; }));
    }
    if (moments && begin == 0) *moments.rows = inside;
  });
}

/// Elements of one packed matrix, padded by a cache line so that the 36 of them do not map to the same cache
/// sets.
template <class T>
std::size_t packed_plane(std::size_t in, std::size_t out) {
  return panels<T>(out) * panel_width<T>() * in + lanes<T>;
}

/// G g Gᵀ of weights (3, 3, in, out), each of the 36 products in panels of columns.
template <class T>
void pack_weights(const cpu::stream& stream, std::size_t in, std::size_t out, const T* w, T* packed) {
  const std::size_t width = panel_width<T>(), whole = panels<T>(out) * width,
                    plane = packed_plane<T>(in, out);
  stream.for_each_run(in, 4, [&](std::size_t first, std::size_t last) {
    vectorised([&] {
      for (std::size_t c = first; c < last; ++c)
        for (std::size_t k = 0; k < whole; k += lanes<T>) {
          T* to = packed + (k / width * in + c) * width + k % width;
          if (k < out)
            transform_2d<weight_line, T>(
                [&](std::size_t i, std::size_t j) { return w + ((i * 3 + j) * in + c) * out + k; },
                [&](std::size_t i, std::size_t j) { return to + (i * tile_in + j) * plane; });
          else
            for (std::size_t p = 0; p < products; ++p) std::fill_n(to + p * plane, lanes<T>, T{0});
        }
    });
  });
}

}  // namespace pretext::inline v0_1::kernels::detail::winograd
