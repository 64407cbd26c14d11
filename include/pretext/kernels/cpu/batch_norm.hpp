#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

#include <pretext/core/arena.hpp>
#include <pretext/devices/cpu.hpp>
#include <pretext/kernels/batch_norm.hpp>
#include <pretext/kernels/cpu/isa.hpp>

namespace pretext::kernels {

template <>
struct batch_norm<cpu> {
  template <class Place, class T>
  static void statistics(Place& place, std::size_t rows, std::size_t channels, std::size_t groups, const T* x,
                         T epsilon, T* mean, T* inverse, T momentum, T* running_mean, T* running_variance) {
    const std::size_t part = rows / groups, run = block_rows(channels), blocks = (part + run - 1) / run;
    const borrowed guard{place.scratch};
    T* partial = place.scratch.template take<T>(groups * blocks * 4 * channels);
    place.stream.for_each_block(groups * blocks, [&](std::size_t block) {
      const std::size_t group = block / blocks, first = block % blocks * run,
                        last = std::min(part, first + run);
      const T* origin =
          x + group * part * channels;  // sums of x - its first row lose no digits to a large mean
      sum_in_runs(partial + block * 4 * channels, channels, first, last,
                  [=](std::size_t r, T* sum, T* square) {
                    const T* row = origin + r * channels;
                    for (std::size_t c = 0; c < channels; ++c) {
                      const T d = row[c] - origin[c];
                      sum[c] += d;
                      square[c] += d * d;
                    }
                  });
    });
    place.stream.for_each_run(channels, 64, [&](std::size_t first, std::size_t last) {
      for (std::size_t group = 0; group < groups; ++group)
        for (std::size_t c = first; c < last; ++c) {
          double sum = 0, square = 0;
          for (std::size_t block = 0; block < blocks; ++block) {
            sum += static_cast<double>(partial[((group * blocks + block) * 4) * channels + c]);
            square += static_cast<double>(partial[((group * blocks + block) * 4 + 1) * channels + c]);
          }
          const double count = static_cast<double>(part), shift = sum / count;
          const double variance = std::max(0.0, square / count - shift * shift);
          const double average = static_cast<double>(x[group * part * channels + c]) + shift;
          mean[group * channels + c] = static_cast<T>(average);
          inverse[group * channels + c] =
              static_cast<T>(1 / std::sqrt(variance + static_cast<double>(epsilon)));
          if (!running_mean) continue;
          const double unbiased = part > 1 ? variance * count / (count - 1) : variance;
          running_mean[c] += momentum * (static_cast<T>(average) - running_mean[c]);
          running_variance[c] += momentum * (static_cast<T>(unbiased) - running_variance[c]);
        }
    });
  }

  template <class Place, class T>
  static void fold(Place&, std::size_t channels, std::size_t groups, const T* mean, const T* inverse,
                   const T* gamma, const T* beta, T* scale, T* shift) {
    for (std::size_t i = 0; i < groups * channels; ++i) {
      scale[i] = inverse[i] * (gamma ? gamma[i % channels] : T{1});
      shift[i] = (beta ? beta[i % channels] : T{0}) - mean[i] * scale[i];
    }
  }

  template <class Place, class T>
  static void running(Place&, std::size_t channels, const T* mean, const T* variance, T epsilon,
                      const T* gamma, const T* beta, T* scale, T* shift) {
    for (std::size_t c = 0; c < channels; ++c) {
      scale[c] = (gamma ? gamma[c] : T{1}) / std::sqrt(variance[c] + epsilon);
      shift[c] = (beta ? beta[c] : T{0}) - mean[c] * scale[c];
    }
  }

  template <class Place, class T>
  static void scale_columns(Place&, std::size_t rows, std::size_t columns, const T* w, const T* scale,
                            T* scaled) {
    for (std::size_t r = 0; r < rows; ++r)
      for (std::size_t c = 0; c < columns; ++c) scaled[r * columns + c] = w[r * columns + c] * scale[c];
  }

  template <class Place, class T>
  static void apply(Place& place, std::size_t rows, std::size_t channels, std::size_t groups, const T* x,
                    const T* scale, const T* shift, const T* shortcut, bool relu, T* y) {
    const std::size_t part = rows / groups;
    for_each_part(place, part, channels, groups, [=](std::size_t group, std::size_t first, std::size_t last) {
      const T* a = scale ? scale + group * channels : nullptr;
      const T* b = shift + group * channels;
      const T floor = relu ? T{0} : -std::numeric_limits<T>::infinity();
      for (std::size_t r = first; r < last; ++r) {
        const T* from = x + r * channels;
        T* to = y + r * channels;
        if (shortcut && a) {
          const T* beside = shortcut + r * channels;
          for (std::size_t c = 0; c < channels; ++c)
            to[c] = std::max(from[c] * a[c] + b[c] + beside[c], floor);
        } else if (shortcut) {
          const T* beside = shortcut + r * channels;
          for (std::size_t c = 0; c < channels; ++c) to[c] = std::max(from[c] + b[c] + beside[c], floor);
        } else if (a) {
          for (std::size_t c = 0; c < channels; ++c) to[c] = std::max(from[c] * a[c] + b[c], floor);
        } else {
          for (std::size_t c = 0; c < channels; ++c) to[c] = std::max(from[c] + b[c], floor);
        }
      }
    });
  }

  template <class Place, class T>
  static void backward(Place& place, std::size_t rows, std::size_t channels, std::size_t groups, const T* dy,
                       const T* y, const T* x, const T* mean, const T* inverse, const T* gamma, T* dgamma,
                       T* dbeta, T* dx, T* dshortcut) {
    const std::size_t part = rows / groups, run = block_rows(channels), blocks = (part + run - 1) / run;
    const borrowed guard{place.scratch};
    T* partial = place.scratch.template take<T>(groups * blocks * 4 * channels);
    place.stream.for_each_block(groups * blocks, [&](std::size_t block) {
      const std::size_t group = block / blocks, first = group * part + block % blocks * run;
      const std::size_t last = std::min((group + 1) * part, first + run);
      const T* m = mean + group * channels;
      sum_in_runs(partial + block * 4 * channels, channels, first, last, [=](std::size_t r, T* sum, T* dot) {
        const T *g = dy + r * channels, *in = x + r * channels;
        if (y) {
          const T* out = y + r * channels;
          for (std::size_t c = 0; c < channels; ++c) {
            const T value = out[c] > T{0} ? g[c] : T{0};
            sum[c] += value;
            dot[c] += value * (in[c] - m[c]);
          }
        } else {
          for (std::size_t c = 0; c < channels; ++c) {
            sum[c] += g[c];
            dot[c] += g[c] * (in[c] - m[c]);
          }
        }
      });
    });
    // dx = γ·inverse·(g - mean(g) - x̂·mean(g·x̂)), written as g·a - x·b - c with one a, b, c per channel.
    T* slope = place.scratch.template take<T>(3 * groups * channels);
    for (std::size_t group = 0; group < groups; ++group)
      for (std::size_t c = 0; c < channels; ++c) {
        double sum = 0, dot = 0;
        for (std::size_t block = 0; block < blocks; ++block) {
          sum += static_cast<double>(partial[((group * blocks + block) * 4) * channels + c]);
          dot += static_cast<double>(partial[((group * blocks + block) * 4 + 1) * channels + c]);
        }
        const std::size_t at = group * channels + c;
        const double scale = static_cast<double>(inverse[at]), count = static_cast<double>(part);
        const double weight = gamma ? static_cast<double>(gamma[c]) : 1.0;
        if (dgamma) dgamma[c] += static_cast<T>(dot * scale);
        if (dbeta) dbeta[c] += static_cast<T>(sum);
        T* three = slope + 3 * group * channels;
        three[c] = static_cast<T>(weight * scale);
        three[channels + c] = static_cast<T>(weight * scale * scale * scale * dot / count);
        three[2 * channels + c] = static_cast<T>(weight * scale * sum / count);
      }
    for_each_part(place, part, channels, groups, [=](std::size_t group, std::size_t first, std::size_t last) {
      const T *a = slope + 3 * group * channels, *b = a + channels, *d = b + channels,
              *m = mean + group * channels;
      for (std::size_t r = first; r < last; ++r) {
        const T *g = dy + r * channels, *in = x + r * channels;
        T* to = dx + r * channels;
        if (!y) {
          for (std::size_t c = 0; c < channels; ++c) to[c] = g[c] * a[c] - (in[c] - m[c]) * b[c] - d[c];
          if (dshortcut) std::copy_n(g, channels, dshortcut + r * channels);
          continue;
        }
        const T* out = y + r * channels;
        if (dshortcut) {
          T* beside = dshortcut + r * channels;
          for (std::size_t c = 0; c < channels; ++c) {
            const T value = out[c] > T{0} ? g[c] : T{0};
            beside[c] = value;
            to[c] = value * a[c] - (in[c] - m[c]) * b[c] - d[c];
          }
        } else {
          for (std::size_t c = 0; c < channels; ++c) {
            const T value = out[c] > T{0} ? g[c] : T{0};
            to[c] = value * a[c] - (in[c] - m[c]) * b[c] - d[c];
          }
        }
      }
    });
  }

 private:
  /// Rows that are summed in one go: a number that depends on the shape alone, about 64 KB of them.
  static constexpr std::size_t block_rows(std::size_t channels) {
    return std::clamp<std::size_t>((std::size_t{1} << 14) / channels, 16, 1024);
  }

  /// Two sums per channel over some rows, into the first half of `sums` (4, channels). Short runs are summed
  /// first: a float that grows over a thousand rows would lose three digits of what each of them adds.
  template <class T, class Add>
  static void sum_in_runs(T* sums, std::size_t channels, std::size_t first, std::size_t last,
                          const Add& add) {
    vectorised([=] {
      T* of_run = sums + 2 * channels;
      std::fill_n(sums, 2 * channels, T{0});
      for (std::size_t begin = first; begin < last; begin += 16) {
        std::fill_n(of_run, 2 * channels, T{0});
        for (std::size_t r = begin; r < std::min(last, begin + 16); ++r) add(r, of_run, of_run + channels);
        for (std::size_t c = 0; c < 2 * channels; ++c) sums[c] += of_run[c];
      }
    });
  }

  template <class Place, class Work>
  static void for_each_part(Place& place, std::size_t part, std::size_t channels, std::size_t groups,
                            const Work& work) {
    const std::size_t run = block_rows(channels), blocks = (part + run - 1) / run;
    place.stream.for_each_block(groups * blocks, [&](std::size_t block) {
      const std::size_t group = block / blocks, first = group * part + block % blocks * run;
      const std::size_t last = std::min((group + 1) * part, first + run);
      vectorised([&] { work(group, first, last); });
    });
  }
};

}  // namespace pretext::kernels
