// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstddef>

#include <pretext/devices/cpu.hpp>
#include <pretext/kernels/channel_moments.hpp>
#include <pretext/kernels/cpu/simd/isa.hpp>
#include <pretext/kernels/cpu/simd/prefetch.hpp>

namespace pretext::inline v0_1::kernels::detail {

/// Adds the sums of x - origin and of its square over a few rows, which are `step` apart.
template <std::size_t Rows, class T>
void add_moments(std::size_t channels, std::size_t step, const T* __restrict x, const T* __restrict origin,
                 T* __restrict sum, T* __restrict square) {
  for (std::size_t c = 0; c < channels; ++c) {
    T first = sum[c], second = square[c];
#pragma GCC unroll 4
    for (std::size_t r = 0; r < Rows; ++r) {
      const T d = x[r * step + c] - origin[c];
      first += d;
      second += d * d;
    }
    sum[c] = first;
    square[c] = second;
  }
}

/// The moments of one part of the rows, which one thread writes: sums of differences from the part's first
/// row, so that a large mean costs no digits.
template <class T>
struct partial_moments {
  static constexpr std::size_t run =
      16;  ///< rows that are summed before they are added, for sums of like magnitude

  std::size_t* rows;  ///< their count
  T *origin, *sum, *square;

  explicit operator bool() const { return rows != nullptr; }

  /// Sets the origin of columns [left, right) and clears their sums; the row itself is not added.
  void begin(const T* row, std::size_t left, std::size_t right) const {
    std::copy(row + left, row + right, origin + left);
    std::fill(sum + left, sum + right, T{0});
    std::fill(square + left, square + right, T{0});
  }

  /// Computes columns [left, right) from all `count` rows of the part, which are `step` apart. `from_memory`:
  /// prefetch, since the rows are not in the cache.
  void compute(const T* x, std::size_t step, std::size_t count, std::size_t left, std::size_t right,
               bool from_memory = false) const {
    if (left == 0) *rows = count;
    vectorised([=, this] {
      begin(x, left, right);
      for (std::size_t row = 0; row < count; row += run)
        add_run(x + row * step, step, std::min(run, count - row), left, right, from_memory);
    });
  }

 private:
  void add_run(const T* x, std::size_t step, std::size_t count, std::size_t left, std::size_t right,
               bool from_memory) const {
    constexpr std::size_t width = 256;
    T sums[width], squares[width];
    for (std::size_t first = left; first < right; first += width) {
      const std::size_t used = std::min(width, right - first);
      std::fill_n(sums, used, T{0});
      std::fill_n(squares, used, T{0});
      const T* from = x + first;
      std::size_t rest = count;
      for (; rest >= 4; rest -= 4, from += 4 * step) {
        if (from_memory)
          for (std::size_t r = 0; r < 4; ++r) prefetch(from + r * step, used);
        add_moments<4>(used, step, from, origin + first, sums, squares);
      }
      for (; rest > 0; --rest, from += step) add_moments<1>(used, step, from, origin + first, sums, squares);
      add(used, sums, sum + first);
      add(used, squares, square + first);
    }
  }

  static void add(std::size_t count, const T* __restrict from, T* __restrict to) {
    for (std::size_t i = 0; i < count; ++i) to[i] += from[i];
  }
};

/// The moments of a matrix that threads write or read in blocks of equal length, counted in rows, tiles or
/// bands. Each thread sums its blocks while they are in the cache, and `combine` merges them in order (Chan,
/// Golub & LeVeque 1983), so the result does not depend on the number of threads. Does nothing if the moments
/// were not requested.
template <class T>
class blocked_moments {
 public:
  /// `units` in blocks of `length`, an equal share of the units for each group. `requested` may be null.
  template <class Context>
  blocked_moments(Context& context, const channel_moments* requested, std::size_t channels, std::size_t units,
                  std::size_t length)
      : requested_{requested}, channels_{channels}, length_{length} {
    if (!requested) return;
    group_units_ = units / requested->groups;
    parts_ = (units + length - 1) / length + requested->groups - 1;
    rows_ = context.workspace.template allocate<std::size_t>(parts_);
    sums_ = context.workspace.template allocate<T>(parts_ * 3 * channels);
    std::fill_n(rows_, parts_, std::size_t{0});
  }

  /// Calls `work(first, last, part)` for the units [first, last) of one block, split where two groups meet;
  /// `part` is null if the moments were not requested.
  template <class Work>
  void for_each_part(std::size_t first, std::size_t last, const Work& work) const {
    if (!requested_) return work(first, last, partial_moments<T>{});
    const std::size_t block = first / length_;
    for (std::size_t begin = first; begin < last;) {
      const std::size_t group = begin / group_units_, end = std::min(last, (group + 1) * group_units_);
      work(begin, end, part(block + group));
      begin = end;
    }
  }

  /// Where units are rows of `matrix`: adds columns [left, right) of a block.
  void add_rows(const T* matrix, std::size_t first, std::size_t last, std::size_t left, std::size_t right,
                bool from_memory = false) const {
    if (!requested_) return;
    for_each_part(first, last, [&](std::size_t begin, std::size_t end, const partial_moments<T>& to) {
      to.compute(matrix + begin * channels_, channels_, end - begin, left, right, from_memory);
    });
  }

  /// Merges all blocks into the requested moments.
  void combine(const cpu::stream& stream) const {
    if (!requested_) return;
    stream.for_each_run(channels_, 64, [&](std::size_t left, std::size_t right) {
      vectorised([&] {
        for (std::size_t group = 0; group < requested_->groups; ++group) {
          double* const mean = requested_->mean + group * channels_;
          double* const deviations = requested_->deviations + group * channels_;
          std::fill(mean + left, mean + right, 0.0);
          std::fill(deviations + left, deviations + right, 0.0);
          double before = 0;
          const std::size_t from = group * group_units_ / length_ + group;
          const std::size_t to = ((group + 1) * group_units_ - 1) / length_ + group;
          for (std::size_t i = from; i <= to; ++i) {
            const double rows = static_cast<double>(rows_[i]);
            merge(part(i), rows, before, left, right, mean, deviations);
            before += rows;
          }
        }
      });
    });
  }

 private:
  /// The part with index block + group: consecutive parts differ in block, in group or in both.
  partial_moments<T> part(std::size_t index) const {
    T* const sums = sums_ + index * 3 * channels_;
    return {rows_ + index, sums, sums + channels_, sums + 2 * channels_};
  }

  /// Merges a part of `rows` rows into the moments of the `before` rows before it.
  static void merge(const partial_moments<T>& part, double rows, double before, std::size_t left,
                    std::size_t right, double* __restrict mean, double* __restrict deviations) {
    const double per_row = 1 / rows, share = rows / (before + rows), cross = before * share;
    const T* __restrict origin = part.origin, * __restrict sum = part.sum, * __restrict square = part.square;
    for (std::size_t c = left; c < right; ++c) {
      const double shift = static_cast<double>(sum[c]) * per_row;
      const double delta = static_cast<double>(origin[c]) + shift - mean[c];
      mean[c] += delta * share;
      deviations[c] +=
          static_cast<double>(square[c]) - static_cast<double>(sum[c]) * shift + delta * delta * cross;
    }
  }

  const channel_moments* requested_;
  std::size_t channels_, length_, group_units_ = 1, parts_ = 0;
  std::size_t* rows_ = nullptr;
  T* sums_ = nullptr;
};

}  // namespace pretext::inline v0_1::kernels::detail
