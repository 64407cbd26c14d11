// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstddef>

#include <pretext/devices/cpu.hpp>
#include <pretext/kernels/cpu/batch_norm/rows.hpp>
#include <pretext/kernels/cpu/simd/isa.hpp>

// The two passes of batch norm's gradient: sums per channel, and dx. Sums are taken in blocks of rows, whose
// count depends on the shape alone, and are added in order.
namespace pretext::inline v0_1::kernels::detail {

/// Rows of a block, about 64 KB; depends on the shape alone.
constexpr std::size_t block_rows_of(std::size_t channels) {
  return std::clamp<std::size_t>((std::size_t{1} << 14) / channels, 16, 1024);
}

/// Calls `work(group, row)` for every row, the last blocks first.
template <class Context, class Work>
void for_each_row(Context& context, std::size_t group_rows, std::size_t channels, std::size_t groups,
                  const Work& work) {
  const std::size_t length = block_rows_of(channels), blocks = (group_rows + length - 1) / length;
  context.stream.for_each_block(groups * blocks, [&](std::size_t index) {
    const std::size_t block = groups * blocks - 1 - index;
    const std::size_t group = block / blocks, first = group * group_rows + block % blocks * length;
    const std::size_t last = std::min((group + 1) * group_rows, first + length);
    vectorised([&] {
      for (std::size_t r = first; r < last; ++r) work(group, r);
    });
  });
}

/// The arrays that a backward pass reads, and `scale` and `shift` of the forward pass.
template <class T>
struct backward_inputs {
  std::size_t group_rows, channels, groups;
  const T *dy, *y, *x, *mean, *scale, *shift;

  relu_operands<T> relu(std::size_t group, std::size_t row) const {
    return {y ? y + row * channels : nullptr, scale + group * channels, shift + group * channels};
  }
  /// Adds the gradient sums of `Rows` rows from `row` on to 2·channels sums.
  template <std::size_t Rows, relu_mask Mask>
  void add_sums(std::size_t group, std::size_t row, T* sums) const {
    add_gradient_sums<Rows, Mask>(channels, dy + row * channels, relu(group, row), x + row * channels,
                                  mean + group * channels, sums, sums + channels);
  }
  /// Writes dx, and dshortcut unless it is null, of one row.
  template <relu_mask Mask>
  void write(std::size_t group, std::size_t row, const T* slope, T* dx, T* dshortcut) const {
    const T *a = slope + 3 * group * channels, *b = a + channels, *d = b + channels;
    const std::size_t at = row * channels;
    if (dx != x) std::copy_n(x + at, channels, dx + at);
    if (!dshortcut) {
      write_gradient<Mask>(channels, dy + at, relu(group, row), dx + at, mean + group * channels, a, b, d);
      return;
    }
    if (dshortcut != dy) std::copy_n(dy + at, channels, dshortcut + at);
    write_gradients<Mask>(channels, dshortcut + at, relu(group, row), dx + at, mean + group * channels, a, b,
                          d);
  }
};

/// Adds the sums of the blocks of each group in order, in double.
template <class Context, class T>
void add_blocks(Context& context, std::size_t blocks, std::size_t channels, std::size_t groups,
                const T* partial, double* sums) {
  context.stream.for_each_run(2 * channels, 128, [&](std::size_t first, std::size_t last) {
    vectorised([=] {
      for (std::size_t group = 0; group < groups; ++group) {
        double* total = sums + group * 2 * channels;
        std::fill(total + first, total + last, 0.0);
        for (std::size_t block = group * blocks; block < (group + 1) * blocks; ++block)
          for (std::size_t c = first; c < last; ++c)
            total[c] += static_cast<double>(partial[block * 4 * channels + c]);
      }
    });
  });
}

/// Σ g and Σ g·(x - mean) per channel over the rows of each group, (groups, 2, channels). Runs of 16 rows
/// are summed first: a float that accumulates a thousand rows would lose three digits of each.
template <relu_mask Mask, class Context, class T>
const double* gradient_sums(Context& context, const backward_inputs<T>& in) {
  constexpr std::size_t run = 16;
  const std::size_t channels = in.channels, length = block_rows_of(channels);
  const std::size_t blocks = (in.group_rows + length - 1) / length;
  double* sums = context.workspace.template allocate<double>(in.groups * 2 * channels);
  T* partial = context.workspace.template allocate<T>(in.groups * blocks * 4 * channels);
  context.stream.for_each_block(in.groups * blocks, [&](std::size_t block) {
    const std::size_t group = block / blocks, first = group * in.group_rows + block % blocks * length;
    const std::size_t last = std::min((group + 1) * in.group_rows, first + length);
    T* block_sums = partial + block * 4 * channels;
    T* run_sums = block_sums + 2 * channels;
    vectorised([=] {
      std::fill_n(block_sums, 2 * channels, T{0});
      for (std::size_t begin = first; begin < last; begin += run) {
        std::fill_n(run_sums, 2 * channels, T{0});
        std::size_t r = begin;
        const std::size_t end = std::min(last, begin + run);
        for (; r + 4 <= end; r += 4) in.template add_sums<4, Mask>(group, r, run_sums);
        for (; r < end; ++r) in.template add_sums<1, Mask>(group, r, run_sums);
        for (std::size_t c = 0; c < 2 * channels; ++c) block_sums[c] += run_sums[c];
      }
    });
  });
  add_blocks(context, blocks, channels, in.groups, partial, sums);
  return sums;
}

/// Adds to dγ and dβ, which may be null.
template <class T>
void add_affine_gradients(std::size_t channels, std::size_t groups, const double* sums, const T* inverse,
                          T* dgamma, T* dbeta) {
  for (std::size_t group = 0; group < groups; ++group)
    for (std::size_t c = 0; c < channels; ++c) {
      const double sum = sums[2 * group * channels + c], dot = sums[(2 * group + 1) * channels + c];
      if (dgamma) dgamma[c] += static_cast<T>(dot * static_cast<double>(inverse[group * channels + c]));
      if (dbeta) dbeta[c] += static_cast<T>(sum);
    }
}

/// dx = γ·inverse·(g - mean(g) - x̂·mean(g·x̂)), written as g·a - (x - mean)·b - d: returns a, b and d of
/// each channel, (groups, 3, channels). `group_rows` and the sums are those of the whole batch.
template <class Context, class T>
const T* backward_slopes(Context& context, std::size_t group_rows, std::size_t channels, std::size_t groups,
                         const double* sums, const T* inverse, const T* gamma) {
  T* const slope = context.workspace.template allocate<T>(3 * groups * channels);
  for (std::size_t group = 0; group < groups; ++group)
    for (std::size_t c = 0; c < channels; ++c) {
      const double sum = sums[2 * group * channels + c], dot = sums[(2 * group + 1) * channels + c];
      const std::size_t at = group * channels + c;
      const double scale = static_cast<double>(inverse[at]), count = static_cast<double>(group_rows);
      const double weight = gamma ? static_cast<double>(gamma[c]) : 1.0;
      T* coefficients = slope + 3 * group * channels;
      const double b = weight * scale * scale * scale * dot / count;
      coefficients[c] = static_cast<T>(weight * scale);
      coefficients[channels + c] = static_cast<T>(b);
      coefficients[2 * channels + c] = static_cast<T>(weight * scale * sum / count);
    }
  return slope;
}

}  // namespace pretext::inline v0_1::kernels::detail
