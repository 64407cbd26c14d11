#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

#include <pretext/core/arena.hpp>
#include <pretext/devices/cpu.hpp>
#include <pretext/kernels/batch_norm.hpp>
#include <pretext/kernels/cpu/batch_norm/blocked_moments.hpp>
#include <pretext/kernels/cpu/batch_norm/rows.hpp>
#include <pretext/kernels/cpu/simd/isa.hpp>

namespace pretext::kernels {

/// Statistics are sums over rows, so threads take blocks of rows whose count depends on the shape alone, and
/// partial sums are combined in order. The backward pass reads x and dy twice: for two sums per channel, and
/// for dx; the second pass visits the blocks in reverse, because the last ones are still in the cache.
template <>
struct batch_norm<cpu> {
  template <class Context, class T>
  static void statistics(Context& context, std::size_t rows, std::size_t channels, std::size_t groups,
                         const T* x, T epsilon, T* mean, T* inverse, T momentum, T* running_mean,
                         T* running_variance) {
    const arena_scope guard{context.workspace};
    const channel_moments found = allocate_moments(context, groups, channels);
    const std::size_t length = block_rows(channels);
    const detail::blocked_moments<T> moments{context, &found, channels, rows, length};
    context.stream.for_each_run(rows, length, [&](std::size_t first, std::size_t last) {
      moments.add_rows(x, first, last, 0, channels, true);
    });
    moments.combine(context.stream);
    finalize(rows, channels, found, epsilon, mean, inverse, momentum, running_mean, running_variance);
  }

  template <class Context>
  static channel_moments allocate_moments(Context& context, std::size_t groups, std::size_t channels) {
    double* const memory = context.workspace.template allocate<double>(2 * groups * channels);
    return {groups, memory, memory + groups * channels};
  }

  template <class T>
  static void finalize(std::size_t rows, std::size_t channels, const channel_moments& found, T epsilon,
                       T* mean, T* inverse, T momentum, T* running_mean, T* running_variance) {
    const double count = static_cast<double>(rows / found.groups);
    for (std::size_t group = 0; group < found.groups; ++group)
      for (std::size_t c = 0; c < channels; ++c) {
        const std::size_t at = group * channels + c;
        const double variance = std::max(0.0, found.deviations[at] / count);
        mean[at] = static_cast<T>(found.mean[at]);
        inverse[at] = static_cast<T>(1 / std::sqrt(variance + static_cast<double>(epsilon)));
        if (!running_mean) continue;
        const double unbiased = count > 1 ? variance * count / (count - 1) : variance;
        running_mean[c] += momentum * (mean[at] - running_mean[c]);
        running_variance[c] += momentum * (static_cast<T>(unbiased) - running_variance[c]);
      }
  }

  template <class Context, class T>
  static void fold(Context&, std::size_t channels, std::size_t groups, const T* mean, const T* inverse,
                   const T* gamma, const T* beta, T* scale, T* shift) {
    for (std::size_t i = 0; i < groups * channels; ++i) {
      scale[i] = inverse[i] * (gamma ? gamma[i % channels] : T{1});
      shift[i] = (beta ? beta[i % channels] : T{0}) - mean[i] * scale[i];
    }
  }

  template <class Context, class T>
  static void fold_running(Context&, std::size_t channels, const T* mean, const T* variance, T epsilon,
                           const T* gamma, const T* beta, T* scale, T* shift) {
    for (std::size_t c = 0; c < channels; ++c) {
      scale[c] = (gamma ? gamma[c] : T{1}) / std::sqrt(variance[c] + epsilon);
      shift[c] = (beta ? beta[c] : T{0}) - mean[c] * scale[c];
    }
  }

  template <class Context, class T>
  static void scale_columns(Context&, std::size_t rows, std::size_t columns, const T* w, const T* scale,
                            T* scaled) {
    for (std::size_t r = 0; r < rows; ++r)
      for (std::size_t c = 0; c < columns; ++c) scaled[r * columns + c] = w[r * columns + c] * scale[c];
  }

  template <class Context, class T>
  static void apply(Context& context, std::size_t rows, std::size_t channels, std::size_t groups, const T* x,
                    const T* scale, const T* shift, const T* shortcut, bool relu, T* y) {
    const T floor = relu ? T{0} : -std::numeric_limits<T>::infinity();
    for_each_row(context, rows / groups, channels, groups, [=](std::size_t group, std::size_t r) {
      detail::scale_and_shift(channels, x + r * channels, scale ? scale + group * channels : nullptr,
                              shift + group * channels, shortcut ? shortcut + r * channels : nullptr, floor,
                              y + r * channels);
    });
  }

  template <class Context, class T>
  static void backward(Context& context, std::size_t rows, std::size_t channels, std::size_t groups,
                       const T* dy, bool relu, const T* y, const T* x, const T* mean, const T* inverse,
                       const T* gamma, const T* beta, T* dgamma, T* dbeta, T* dx, T* dshortcut) {
    const arena_scope guard{context.workspace};
    T* const scale = context.workspace.template allocate<T>(groups * channels);
    T* const shift = context.workspace.template allocate<T>(groups * channels);
    fold(context, channels, groups, mean, inverse, gamma, beta, scale, shift);
    const backward_inputs<T> in{rows / groups, channels, groups, dy, y, x, mean, scale, shift};
    if (!relu)
      backward<detail::relu_mask::none>(context, in, inverse, gamma, dgamma, dbeta, dx, dshortcut);
    else if (y)
      backward<detail::relu_mask::from_output>(context, in, inverse, gamma, dgamma, dbeta, dx, dshortcut);
    else
      backward<detail::relu_mask::from_input>(context, in, inverse, gamma, dgamma, dbeta, dx, dshortcut);
  }

 private:
  /// The arrays that a backward pass reads, and `scale` and `shift` of the forward pass.
  template <class T>
  struct backward_inputs {
    std::size_t group_rows, channels, groups;
    const T *dy, *y, *x, *mean, *scale, *shift;

    detail::relu_operands<T> relu(std::size_t group, std::size_t row) const {
      return {y ? y + row * channels : nullptr, scale + group * channels, shift + group * channels};
    }
    /// Adds the gradient sums of `Rows` rows from `row` on to 2·channels sums.
    template <std::size_t Rows, detail::relu_mask Mask>
    void add_sums(std::size_t group, std::size_t row, T* sums) const {
      detail::add_gradient_sums<Rows, Mask>(channels, dy + row * channels, relu(group, row),
                                            x + row * channels, mean + group * channels, sums,
                                            sums + channels);
    }
    /// Writes dx, and dshortcut unless it is null, of one row.
    template <detail::relu_mask Mask>
    void write(std::size_t group, std::size_t row, const T* slope, T* dx, T* dshortcut) const {
      const T *a = slope + 3 * group * channels, *b = a + channels, *d = b + channels;
      const std::size_t at = row * channels;
      if (dx != x) std::copy_n(x + at, channels, dx + at);
      if (!dshortcut) {
        detail::write_gradient<Mask>(channels, dy + at, relu(group, row), dx + at, mean + group * channels, a,
                                     b, d);
        return;
      }
      if (dshortcut != dy) std::copy_n(dy + at, channels, dshortcut + at);
      detail::write_gradients<Mask>(channels, dshortcut + at, relu(group, row), dx + at,
                                    mean + group * channels, a, b, d);
    }
  };

  template <detail::relu_mask Mask, class Context, class T>
  static void backward(Context& context, const backward_inputs<T>& in, const T* inverse, const T* gamma,
                       T* dgamma, T* dbeta, T* dx, T* dshortcut) {
    const double* sums = gradient_sums<Mask>(context, in);
    const T* slope =
        slopes(context, in.group_rows, in.channels, in.groups, sums, inverse, gamma, dgamma, dbeta);
    for_each_row(context, in.group_rows, in.channels, in.groups, [=](std::size_t group, std::size_t row) {
      in.template write<Mask>(group, row, slope, dx, dshortcut);
    });
  }

  /// dx = γ·inverse·(g - mean(g) - x̂·mean(g·x̂)), written as g·a - (x - mean)·b - d: returns a, b and d of
  /// each channel, (groups, 3, channels), and adds to dγ and dβ.
  template <class Context, class T>
  static const T* slopes(Context& context, std::size_t group_rows, std::size_t channels, std::size_t groups,
                         const double* sums, const T* inverse, const T* gamma, T* dgamma, T* dbeta) {
    T* const slope = context.workspace.template allocate<T>(3 * groups * channels);
    for (std::size_t group = 0; group < groups; ++group)
      for (std::size_t c = 0; c < channels; ++c) {
        const double sum = sums[2 * group * channels + c], dot = sums[(2 * group + 1) * channels + c];
        const std::size_t at = group * channels + c;
        const double scale = static_cast<double>(inverse[at]), count = static_cast<double>(group_rows);
        const double weight = gamma ? static_cast<double>(gamma[c]) : 1.0;
        if (dgamma) dgamma[c] += static_cast<T>(dot * scale);
        if (dbeta) dbeta[c] += static_cast<T>(sum);
        T* coefficients = slope + 3 * group * channels;
        const double b = weight * scale * scale * scale * dot / count;
        coefficients[c] = static_cast<T>(weight * scale);
        coefficients[channels + c] = static_cast<T>(b);
        coefficients[2 * channels + c] = static_cast<T>(weight * scale * sum / count);
      }
    return slope;
  }

  /// Rows of a block, about 64 KB; depends on the shape alone.
  static constexpr std::size_t block_rows(std::size_t channels) {
    return std::clamp<std::size_t>((std::size_t{1} << 14) / channels, 16, 1024);
  }

  /// Σ g and Σ g·(x - mean) per channel over the rows of each group, (groups, 2, channels). Runs of 16 rows
  /// are summed first: a float that accumulates a thousand rows would lose three digits of each.
  template <detail::relu_mask Mask, class Context, class T>
  static const double* gradient_sums(Context& context, const backward_inputs<T>& in) {
    constexpr std::size_t run = 16;
    const std::size_t channels = in.channels, length = block_rows(channels);
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

  /// Adds the sums of the blocks of each group in order, in double.
  template <class Context, class T>
  static void add_blocks(Context& context, std::size_t blocks, std::size_t channels, std::size_t groups,
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

  /// Calls `work(group, row)` for every row, the last blocks first.
  template <class Context, class Work>
  static void for_each_row(Context& context, std::size_t group_rows, std::size_t channels, std::size_t groups,
                           const Work& work) {
    const std::size_t length = block_rows(channels), blocks = (group_rows + length - 1) / length;
    context.stream.for_each_block(groups * blocks, [&](std::size_t index) {
      const std::size_t block = groups * blocks - 1 - index;
      const std::size_t group = block / blocks, first = group * group_rows + block % blocks * length;
      const std::size_t last = std::min((group + 1) * group_rows, first + length);
      vectorised([&] {
        for (std::size_t r = first; r < last; ++r) work(group, r);
      });
    });
  }
};

}  // namespace pretext::kernels
