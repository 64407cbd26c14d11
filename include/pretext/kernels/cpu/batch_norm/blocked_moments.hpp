#pragma once
#include <algorithm>
#include <cstddef>

#include <pretext/devices/cpu.hpp>
#include <pretext/kernels/channel_moments.hpp>
#include <pretext/kernels/cpu/simd/isa.hpp>
#include <pretext/kernels/cpu/simd/prefetch.hpp>

namespace pretext::kernels::detail {

/// Adds the sums of x - origin and of its square over a few rows that lie `step` apart.
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

/// The moments of one part of the rows, which no other thread adds to: sums of what they differ from one of
/// them lose no digits to a large mean.
template <class T>
struct partial_moments {
  static constexpr std::size_t run = 16;  ///< rows whose sums are added at a time, as numbers of one size

  std::size_t* rows;  ///< how many
  T *origin, *sum, *square;

  explicit operator bool() const { return rows != nullptr; }

  /// Columns [left, right) begin with this row, which is not added.
  void begin(const T* row, std::size_t left, std::size_t right) const {
    std::copy(row + left, row + right, origin + left);
    std::fill(sum + left, sum + right, T{0});
    std::fill(square + left, square + right, T{0});
  }

  /// Columns [left, right) of all its rows, which lie `step` apart and come from memory or from the cache.
  void take(const T* x, std::size_t step, std::size_t count, std::size_t left, std::size_t right,
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
    constexpr std::size_t most = 256;
    T sums[most], squares[most];
    for (std::size_t first = left; first < right; first += most) {
      const std::size_t wide = std::min(most, right - first);
      std::fill_n(sums, wide, T{0});
      std::fill_n(squares, wide, T{0});
      const T* from = x + first;
      std::size_t rest = count;
      for (; rest >= 4; rest -= 4, from += 4 * step) {
        if (from_memory)
          for (std::size_t r = 0; r < 4; ++r) prefetch(from + r * step, wide);
        add_moments<4>(wide, step, from, origin + first, sums, squares);
      }
      for (; rest > 0; --rest, from += step) add_moments<1>(wide, step, from, origin + first, sums, squares);
      add_numbers(wide, sums, sum + first);
      add_numbers(wide, squares, square + first);
    }
  }

  static void add_numbers(std::size_t count, const T* __restrict from, T* __restrict to) {
    for (std::size_t i = 0; i < count; ++i) to[i] += from[i];
  }
};

/// The moments of a matrix that threads write, or read, in pieces of equal length, whatever they are counted
/// in: each is summed by its thread while it is in the cache, and `combine` puts them together in order
/// (Chan, Golub & LeVeque 1983). Nothing happens where nobody asked.
template <class T>
class blocked_moments {
 public:
  /// `units` in pieces of `length`; the same number of units belongs to each group.
  template <class Context>
  blocked_moments(Context& context, const channel_moments* asked, std::size_t channels, std::size_t units,
                  std::size_t length)
      : asked_{asked}, channels_{channels}, length_{length} {
    if (!asked) return;
    of_group_ = units / asked->groups;
    parts_ = (units + length - 1) / length + asked->groups - 1;
    rows_ = context.workspace.template allocate<std::size_t>(parts_);
    sums_ = context.workspace.template allocate<T>(parts_ * 3 * channels);
    std::fill_n(rows_, parts_, std::size_t{0});
  }

  /// `work(first, last, part)` for the units [first, last) of one piece, cut where groups meet; `part` is
  /// null where nobody asked.
  template <class Work>
  void for_each_part(std::size_t first, std::size_t last, const Work& work) const {
    if (!asked_) return work(first, last, partial_moments<T>{});
    const std::size_t piece = first / length_;
    for (std::size_t begin = first; begin < last;) {
      const std::size_t group = begin / of_group_, end = std::min(last, (group + 1) * of_group_);
      work(begin, end, part(piece + group));
      begin = end;
    }
  }

  /// Units are rows of `matrix`: columns [left, right) of a piece.
  void add_rows(const T* matrix, std::size_t first, std::size_t last, std::size_t left, std::size_t right,
                bool from_memory = false) const {
    if (!asked_) return;
    for_each_part(first, last, [&](std::size_t begin, std::size_t end, const partial_moments<T>& to) {
      to.take(matrix + begin * channels_, channels_, end - begin, left, right, from_memory);
    });
  }

  /// When all pieces are there.
  void combine(const cpu::stream& stream) const {
    if (!asked_) return;
    stream.for_each_run(channels_, 64, [&](std::size_t left, std::size_t right) {
      vectorised([&] {
        for (std::size_t group = 0; group < asked_->groups; ++group) {
          double* const mean = asked_->mean + group * channels_;
          double* const deviations = asked_->deviations + group * channels_;
          std::fill(mean + left, mean + right, 0.0);
          std::fill(deviations + left, deviations + right, 0.0);
          double before = 0;
          const std::size_t from = group * of_group_ / length_ + group;
          const std::size_t to = ((group + 1) * of_group_ - 1) / length_ + group;
          for (std::size_t i = from; i <= to; ++i) {
            const double rows = static_cast<double>(rows_[i]);
            join(part(i), rows, before, left, right, mean, deviations);
            before += rows;
          }
        }
      });
    });
  }

 private:
  /// Two that follow each other differ in piece, in group, or in both: their sum tells them apart.
  partial_moments<T> part(std::size_t number) const {
    T* const sums = sums_ + number * 3 * channels_;
    return {rows_ + number, sums, sums + channels_, sums + 2 * channels_};
  }

  /// Adds a part of so many rows to the moments of those before it.
  static void join(const partial_moments<T>& more, double rows, double before, std::size_t left,
                   std::size_t right, double* __restrict mean, double* __restrict deviations) {
    const double one = 1 / rows, share = rows / (before + rows), cross = before * share;
    const T* __restrict origin = more.origin, * __restrict sum = more.sum, * __restrict square = more.square;
    for (std::size_t c = left; c < right; ++c) {
      const double shift = static_cast<double>(sum[c]) * one;
      const double apart = static_cast<double>(origin[c]) + shift - mean[c];
      mean[c] += apart * share;
      deviations[c] +=
          static_cast<double>(square[c]) - static_cast<double>(sum[c]) * shift + apart * apart * cross;
    }
  }

  const channel_moments* asked_;
  std::size_t channels_, length_, of_group_ = 1, parts_ = 0;
  std::size_t* rows_ = nullptr;
  T* sums_ = nullptr;
};

}  // namespace pretext::kernels::detail
