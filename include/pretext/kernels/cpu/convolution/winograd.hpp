// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstddef>

#include <pretext/core/arena.hpp>
#include <pretext/core/constant_weights.hpp>
#include <pretext/devices/cpu.hpp>
#include <pretext/kernels/convolution.hpp>
#include <pretext/kernels/cpu/convolution/winograd_stages.hpp>
#include <pretext/kernels/cpu/gemm/tile.hpp>
#include <pretext/kernels/cpu/simd/isa.hpp>

// Convolutions with 3x3 kernels, stride 1 and padding 1 as 36 matrix products over 4x4 tiles of the result,
// in three stages: the input of the tiles is transformed, multiplied, and the products are transformed back.
// The result of a tile depends neither on its neighbours nor on the number of threads.
namespace pretext::inline v0_1::kernels::detail::winograd {

/// The maximum number of tiles of a block.
inline constexpr std::size_t max_block = 96;
static_assert(max_block % max_tile_rows == 0);

/// The maximum number of tiles that all threads process together, stage by stage.
inline constexpr std::size_t max_staged_tiles = 768;

/// The maximum number of tiles for which constant weights stay transformed: they take four times the memory,
/// and for more tiles transforming them again takes less than a twentieth of the time.
inline constexpr std::size_t max_prepared_tiles = 256;

/// Tiles of a block: as many as the L2 cache holds of both operands.
template <class T>
std::size_t block_of_tiles(std::size_t in, std::size_t out) {
  const std::size_t fitting = (std::size_t{768} << 10) / (products * (in + out) * sizeof(T));
  return std::clamp<std::size_t>(fitting / max_tile_rows * max_tile_rows, 24, max_block);
}

/// Columns [begin, end) of m[p] = v[p]·u[p] for the first `rows` tiles, with weights from `pack_weights`; m
/// stores columns from `left` on.
template <class T>
void multiply(const planes<T>& v, const planes<T>& m, std::size_t p, std::size_t rows, std::size_t in,
              std::size_t out, std::size_t left, std::size_t begin, std::size_t end, const T* packed) {
  const std::size_t width = panel_width<T>(), height = tile_rows();
  for (std::size_t column = begin; column < end; column += width) {
    const T* right = packed + p * packed_plane<T>(in, out) + column * in;
    for (std::size_t row = 0; row < rows; row += height) {
      const std::size_t used = std::min(height, rows - row);
      const T* a[max_tile_rows];
      T* c[max_tile_rows];
      for (std::size_t r = 0; r < height; ++r) {
        a[r] = v.at(p, row + std::min(r, used - 1));
        c[r] = m.at(p, row + std::min(r, used - 1)) + column - left;
      }
      run_tile(gathered_product<T>{a, &right, 1, in, c, used, std::min(width, end - column), false});
    }
  }
}

/// y (+)= x * w: each thread processes a block of tiles through all three stages.
template <class Context, class T>
void convolve_blocks(Context& context, const tiling& tiles, std::size_t length, std::size_t in,
                     std::size_t out, const T* x, const T* zeros, const T* packed, T* y, bool accumulate,
                     const channel_moments* requested = nullptr,
                     const convolution_epilogue<T>* finish = nullptr) {
  const arena_scope guard{context.workspace};
  const blocked_moments<T> moments{context, requested, out, tiles.count(), length};
  const applied_epilogue<T> epilogue{finish, y, out};
  const std::size_t v_size = planes<T>::size_of(length, in), m_size = planes<T>::size_of(length, out);
  T* buffers = context.workspace.template allocate<T>(context.stream.threads() * (v_size + m_size));
  context.stream.for_each_block(
      (tiles.count() + length - 1) / length, [&](std::size_t block, std::size_t thread) {
        const std::size_t first = block * length, last = std::min(tiles.count(), first + length);
        const planes<T> v{buffers + thread * (v_size + m_size), length, in}, m{v.data + v_size, length, out};
        transform_input<T>(tiles, first, last, x, in, 0, in, zeros, v);
        for (std::size_t p = 0; p < products; ++p)
          multiply(v, m, p, last - first, in, out, 0, 0, out, packed);
        moments.for_each_part(first, last,
                              [&](std::size_t begin, std::size_t end, const partial_moments<T>& part) {
                                transform_output<T>(tiles, begin, end, m.from(begin - first), out, 0, out, y,
                                                    accumulate, part, epilogue);
                              });
      });
  moments.combine(context.stream);
}

/// The same stage by stage, each parallel over tiles or over products, so that weights are read once for many
/// tiles. A few hundred columns at a time, so that the products need little memory.
template <class Context, class T>
void convolve_stages(Context& context, const tiling& tiles, std::size_t in, std::size_t out, const T* x,
                     const T* zeros, const T* packed, T* y, bool accumulate,
                     const channel_moments* requested = nullptr,
                     const convolution_epilogue<T>* finish = nullptr) {
  constexpr std::size_t run = 4, group = 128;  // tiles and columns per unit of work
  constexpr std::size_t max_columns = 2 * group;
  static_assert(max_staged_tiles % run == 0);
  const arena_scope guard{context.workspace};
  const blocked_moments<T> moments{context, requested, out, tiles.count(), run};
  const applied_epilogue<T> epilogue{finish, y, out};
  const std::size_t rows = std::min(tiles.count(), max_staged_tiles), columns = std::min(out, max_columns);
  const planes<T> v{context.workspace.template allocate<T>(planes<T>::size_of(rows, in)), rows, in};
  const planes<T> m{context.workspace.template allocate<T>(planes<T>::size_of(rows, columns)), rows, columns};
  for (std::size_t start = 0; start < tiles.count(); start += rows) {
    const std::size_t count = std::min(rows, tiles.count() - start);
    context.stream.for_each_run(count, run, [&](std::size_t first, std::size_t last) {
      transform_input<T>(tiles, start + first, start + last, x, in, 0, in, zeros, v.from(first));
    });
    for (std::size_t left = 0; left < out; left += columns) {
      const std::size_t right = std::min(out, left + columns), groups = (right - left + group - 1) / group;
      context.stream.for_each_block(products * groups, [&](std::size_t unit) {
        const std::size_t begin = left + unit % groups * group, end = std::min(right, begin + group);
        multiply(v, m, unit / groups, count, in, out, left, begin, end, packed);
      });
      context.stream.for_each_run(count, run, [&](std::size_t first, std::size_t last) {
        moments.for_each_part(start + first, start + last,
                              [&](std::size_t begin, std::size_t end, const partial_moments<T>& part) {
                                transform_output<T>(tiles, begin, end, m.from(begin - start), out, left,
                                                    right, y, accumulate, part, epilogue);
                              });
      });
    }
  }
  moments.combine(context.stream);
}

/// y (+)= x * w: block by block if the 36 weight matrices fit the L2 cache beside the tiles, so that what a
/// thread transforms stays in its own cache; else stage by stage if there are few tiles, or if the matrices
/// exceed the L3 cache.
template <class Context, class T>
void convolve(Context& context, const tiling& tiles, std::size_t in, std::size_t out, const T* x,
              const T* packed, T* y, bool accumulate, const channel_moments* requested = nullptr,
              const convolution_epilogue<T>* finish = nullptr) {
  constexpr std::size_t target_blocks = 8;
  const arena_scope guard{context.workspace};
  T* zeros = context.workspace.template allocate<T>(in);
  std::fill_n(zeros, in, T{0});
  const std::size_t length = block_of_tiles<T>(in, out), weight_bytes = products * in * out * sizeof(T);
  const bool few = tiles.count() <= max_staged_tiles, light = weight_bytes <= (std::size_t{256} << 10);
  if (few && light && !requested) {  // moments keep their blocks, and so their bits
    const std::size_t height = tile_rows(), share = (tiles.count() + target_blocks * height - 1) /
                                                    (target_blocks * height) * height;
    convolve_blocks<Context, T>(context, tiles, std::min(share, length), in, out, x, zeros, packed, y,
                                accumulate, nullptr, finish);
  } else if (few || weight_bytes > (std::size_t{16} << 20)) {
    convolve_stages<Context, T>(context, tiles, in, out, x, zeros, packed, y, accumulate, requested, finish);
  } else {
    convolve_blocks<Context, T>(context, tiles, length, in, out, x, zeros, packed, y, accumulate, requested,
                                finish);
  }
}

/// y = x * w, with the moments of y and an epilogue, if these are not null.
template <class Context, class T>
void forward(Context& context, const convolution_extents& e, std::size_t batch, const T* x, const T* w, T* y,
             const channel_moments* requested = nullptr, const convolution_epilogue<T>* finish = nullptr) {
  const arena_scope guard{context.workspace};
  const tiling tiles{e.height, e.width, batch};
  const std::size_t size = products * packed_plane<T>(e.in, e.out);
  const T* packed = nullptr;
  if (context.constants && tiles.count() <= max_prepared_tiles && context.constants->contains(w)) {
    packed = context.constants->template prepared<T>(
        w, {e.in, e.out, products}, size, [&](T* to) { pack_weights(context.stream, e.in, e.out, w, to); });
  } else {
    T* const scratch = context.workspace.template allocate<T>(size);
    pack_weights(context.stream, e.in, e.out, w, scratch);
    packed = scratch;
  }
  convolve(context, tiles, e.in, e.out, x, packed, y, false, requested, finish);
}

/// The kernel rotated by 180 degrees, with its input and output channels exchanged.
template <class T>
void rotate(const cpu::stream& stream, const convolution_extents& e, const T* w, T* rotated) {
  constexpr std::size_t side = 16;  // channels of a square block, which is transposed in the L1 cache
  const std::size_t across = e.out / side, down = e.in / side;
  stream.for_each_block(e.taps() * down, [&](std::size_t block) {
    const std::size_t t = block / down, c = block % down * side;
    const T* from = w + (t * e.in + c) * e.out;
    T* to = rotated + (e.taps() - 1 - t) * e.in * e.out + c;
    for (std::size_t square = 0; square < across; ++square)
      for (std::size_t k = square * side; k < (square + 1) * side; ++k)
        for (std::size_t i = 0; i < side; ++i) to[k * e.in + i] = from[i * e.out + k];
  });
}

/// The gradient of the data is a convolution with the rotated kernel.
template <class Context, class T>
void backward_data(Context& context, const convolution_extents& e, std::size_t batch, const T* dy, const T* w,
                   T* dx, write_mode mode) {
  const arena_scope guard{context.workspace};
  T* packed = context.workspace.template allocate<T>(products * packed_plane<T>(e.out, e.in));
  {
    const arena_scope until_packed{context.workspace};
    T* rotated = context.workspace.template allocate<T>(e.weights());
    rotate(context.stream, e, w, rotated);
    pack_weights(context.stream, e.out, e.in, rotated, packed);
  }
  convolve(context, tiling{e.height, e.width, batch}, e.out, e.in, dy, packed, dx,
           mode == write_mode::accumulate);
}

/// dw += Gᵀ dU G with dU[p] = (Bᵀ x B)[p]ᵀ·(A dy Aᵀ)[p], the adjoint of `forward`. A unit of work is 128×128
/// channels; where that gives too few units, the tiles are divided into parts, whose sums are added in order.
template <class Context, class T>
void backward_weights(Context& context, const convolution_extents& e, std::size_t batch, const T* x,
                      const T* dy, T* dw) {
  constexpr std::size_t slice = 128, target_units = 16, length = max_block;
  const tiling tiles{e.height, e.width, batch};
  const std::size_t width = panel_width<T>(), height = tile_rows(), count = tiles.count();
  const std::size_t in_slice = std::min(e.in, slice), out_slice = std::min(e.out, slice);
  const std::size_t down = (e.in + slice - 1) / slice, across = (e.out + slice - 1) / slice;
  const std::size_t divisions = (target_units + down * across - 1) / (down * across);
  const std::size_t part = std::max<std::size_t>((count + divisions - 1) / divisions, 48);
  const std::size_t parts = (count + part - 1) / part;
  const std::size_t v_size = planes<T>::size_of(length, in_slice),
                    d_size = planes<T>::size_of(length, out_slice);
  const std::size_t u_size = planes<T>::size_of(in_slice, out_slice);

  const arena_scope guard{context.workspace};
  T* zeros = context.workspace.template allocate<T>(std::max(e.in, e.out));
  std::fill_n(zeros, std::max(e.in, e.out), T{0});
  T* partial = context.workspace.template allocate<T>(parts > 1 ? parts * e.weights() : 0);
  T* buffers = context.workspace.template allocate<T>(context.stream.threads() * (v_size + d_size + u_size));
  context.stream.for_each_block(parts * down * across, [&](std::size_t unit, std::size_t thread) {
    const std::size_t begin = unit / across % down * slice, end = std::min(e.in, begin + slice);
    const std::size_t left = unit % across * slice, right = std::min(e.out, left + slice);
    const std::size_t start = unit / across / down * part, stop = std::min(count, start + part);
    const planes<T> v{buffers + thread * (v_size + d_size + u_size), length, in_slice};
    const planes<T> d{v.data + v_size, length, out_slice}, u{d.data + d_size, in_slice, out_slice};
    const T* rows[length];
    for (std::size_t r = 0; r < length; ++r) rows[r] = v.at(0, r);
    for (std::size_t first = start; first < stop; first += length) {
      const std::size_t last = std::min(stop, first + length);
      transform_input<T>(tiles, first, last, x, e.in, begin, end, zeros, v);
      transform_output_gradient<T>(tiles, first, last, dy, e.out, left, right, zeros, d);
      for (std::size_t p = 0; p < products; ++p)
        for (std::size_t column = 0; column < right - left; column += width)
          for (std::size_t row = 0; row < end - begin; row += height)
            run_tile(outer_product<T>{rows, p * v.plane + row, d.at(p, 0) + column, d.step, last - first,
                                      u.at(p, row) + column, u.step, std::min(height, end - begin - row),
                                      std::min(width, right - left - column), first > start});
    }
    T* result = (parts > 1 ? partial + unit / across / down * e.weights() : dw) + begin * e.out + left;
    vectorised([&] {
      for (std::size_t c = 0; c < end - begin; ++c)
        for (std::size_t k = 0; k < right - left; k += lanes<T>)
          transform_2d<weight_gradient_line, T>(
              [&](std::size_t i, std::size_t j) { return u.at(i * tile_in + j, c) + k; },
              [&](std::size_t i, std::size_t j) { return result + ((i * 3 + j) * e.in + c) * e.out + k; },
              parts == 1);
    });
  });
  context.stream.for_each_run(parts > 1 ? e.weights() : 0, 4096, [&](std::size_t first, std::size_t last) {
    vectorised([&] {
      for (std::size_t i = 0; i < parts; ++i) {
        const T* sums = partial + i * e.weights();
        for (std::size_t at = first; at < last; ++at) dw[at] += sums[at];
      }
    });
  });
}

}  // namespace pretext::inline v0_1::kernels::detail::winograd
