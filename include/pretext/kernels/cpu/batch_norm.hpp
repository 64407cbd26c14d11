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

  /// Room for the moments of as many groups.
  template <class Context>
  static channel_moments allocate_moments(Context& context, std::size_t groups, std::size_t channels) {
    double* const numbers = context.workspace.template allocate<double>(2 * groups * channels);
    return {groups, numbers, numbers + groups * channels};
  }

  /// What `statistics` gives, from moments that whoever wrote the rows has taken.
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
    const std::size_t part = rows / groups;
    const arena_scope guard{context.workspace};
    T *scales = context.workspace.template allocate<T>(groups * channels),
      *shifts = context.workspace.template allocate<T>(groups * channels);
    fold(context, channels, groups, mean, inverse, gamma, beta, scales, shifts);
    const auto by = [=](std::size_t group, std::size_t r) {
      return detail::relu_sign<T>{y ? y + r * channels : nullptr, scales + group * channels,
                                  shifts + group * channels};
    };
    const double* sums = nullptr;
    detail::with_relu_mask(relu, y, [&]<detail::rectified Rectified>() {
      sums = sum_rows<T>(context, part, channels, groups,
                         [=]<std::size_t Rows>(std::size_t group, std::size_t r, T* sum, T* dot) {
                           detail::add_gradients<Rows, Rectified>(channels, dy + r * channels, by(group, r),
                                                                  x + r * channels, mean + group * channels,
                                                                  sum, dot);
                         });
    });
    const T* slope = slopes(context, part, channels, groups, sums, inverse, gamma, dgamma, dbeta);
    detail::with_relu_mask(relu, y, [&]<detail::rectified Rectified>() {
      for_each_row(context, part, channels, groups, [=](std::size_t group, std::size_t r) {
        const T *a = slope + 3 * group * channels, *b = a + channels, *d = b + channels;
        const std::size_t at = r * channels;
        if (dx != x) std::copy_n(x + at, channels, dx + at);
        if (!dshortcut) {
          detail::pass_gradient<Rectified>(channels, dy + at, by(group, r), dx + at, mean + group * channels,
                                           a, b, d);
          return;
        }
        if (dshortcut != dy) std::copy_n(dy + at, channels, dshortcut + at);
        detail::pass_gradients<Rectified>(channels, dshortcut + at, by(group, r), dx + at,
                                          mean + group * channels, a, b, d);
      });
    });
  }

 private:
  /// dx = γ·inverse·(g - mean(g) - x̂·mean(g·x̂)), written as g·a - (x - mean)·b - d: a, b and d of each
  /// channel, (groups, 3, channels).
  template <class Context, class T>
  static const T* slopes(Context& context, std::size_t part, std::size_t channels, std::size_t groups,
                         const double* sums, const T* inverse, const T* gamma, T* dgamma, T* dbeta) {
    T* const slope = context.workspace.template allocate<T>(3 * groups * channels);
    for (std::size_t group = 0; group < groups; ++group)
      for (std::size_t c = 0; c < channels; ++c) {
        const double sum = sums[2 * group * channels + c], dot = sums[(2 * group + 1) * channels + c];
        const std::size_t at = group * channels + c;
        const double scale = static_cast<double>(inverse[at]), count = static_cast<double>(part);
        const double weight = gamma ? static_cast<double>(gamma[c]) : 1.0;
        if (dgamma) dgamma[c] += static_cast<T>(dot * scale);
        if (dbeta) dbeta[c] += static_cast<T>(sum);
        T* three = slope + 3 * group * channels;
        const double b = weight * scale * scale * scale * dot / count;
        three[c] = static_cast<T>(weight * scale);
        three[channels + c] = static_cast<T>(b);
        three[2 * channels + c] = static_cast<T>(weight * scale * sum / count);
      }
    return slope;
  }

  /// Rows that are summed in one go: a number that depends on the shape alone, about 64 KB of them.
  static constexpr std::size_t block_rows(std::size_t channels) {
    return std::clamp<std::size_t>((std::size_t{1} << 14) / channels, 16, 1024);
  }

  /// Two sums per channel over the `part` rows of each group, (groups, 2, channels): `add<Rows>(group, row,
  /// first, second)` adds adjacent rows. Short runs are summed first: a float that grows over a thousand rows
  /// would lose three digits of what each of them adds.
  template <class T, class Context, class Add>
  static const double* sum_rows(Context& context, std::size_t part, std::size_t channels, std::size_t groups,
                                const Add& add) {
    constexpr std::size_t run = 16;
    const std::size_t length = block_rows(channels), blocks = (part + length - 1) / length;
    double* sums = context.workspace.template allocate<double>(groups * 2 * channels);
    T* partial = context.workspace.template allocate<T>(groups * blocks * 4 * channels);
    context.stream.for_each_block(groups * blocks, [&](std::size_t block) {
      const std::size_t group = block / blocks, first = group * part + block % blocks * length;
      const std::size_t last = std::min((group + 1) * part, first + length);
      T* of_block = partial + block * 4 * channels;
      T* of_run = of_block + 2 * channels;
      vectorised([=] {
        std::fill_n(of_block, 2 * channels, T{0});
        for (std::size_t begin = first; begin < last; begin += run) {
          std::fill_n(of_run, 2 * channels, T{0});
          std::size_t r = begin;
          const std::size_t end = std::min(last, begin + run);
          for (; r + 4 <= end; r += 4) add.template operator()<4>(group, r, of_run, of_run + channels);
          for (; r < end; ++r) add.template operator()<1>(group, r, of_run, of_run + channels);
          for (std::size_t c = 0; c < 2 * channels; ++c) of_block[c] += of_run[c];
        }
      });
    });
    add_blocks(context, blocks, channels, groups, partial, sums);
    return sums;
  }

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

  /// `work(group, row)` for every row, the last blocks first: what `sum_rows` read last is still in the
  /// cache.
  template <class Context, class Work>
  static void for_each_row(Context& context, std::size_t part, std::size_t channels, std::size_t groups,
                           const Work& work) {
    const std::size_t length = block_rows(channels), blocks = (part + length - 1) / length;
    context.stream.for_each_block(groups * blocks, [&](std::size_t index) {
      const std::size_t block = groups * blocks - 1 - index;
      const std::size_t group = block / blocks, first = group * part + block % blocks * length;
      const std::size_t last = std::min((group + 1) * part, first + length);
      vectorised([&] {
        for (std::size_t r = first; r < last; ++r) work(group, r);
      });
    });
  }
};

}  // namespace pretext::kernels
