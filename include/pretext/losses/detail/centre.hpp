// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <pretext/core/context.hpp>
#include <pretext/core/fixed_string.hpp>
#include <pretext/core/host_device.hpp>
#include <pretext/core/tensor.hpp>
#include <pretext/kernels/after_step.hpp>
#include <pretext/losses/detail/copy_rows.hpp>
#include <pretext/losses/detail/loss_operations.hpp>
#include <pretext/losses/detail/scheduled_value.hpp>

namespace pretext::inline v0_1::detail {

/// softmax((scores - centre)/temperature) of a row; zeros for one that is left out.
template <class T, class W>
struct centred_softmax {
  std::size_t columns;
  scheduled_value temperature;
  const T* scores;
  const std::uint8_t* used;  ///< of each row; null: all are
  const W* centre;           ///< null: 0
  W* probabilities;

  template <class Team>
  PRETEXT_HOST_DEVICE void operator()(std::size_t row, const Team& team) const {
    const T* const from = scores + row * columns;
    const W* const middle = centre;
    W* const to = probabilities + row * columns;
    const bool counts = !used || used[row];
    const double inverse = 1 / double(temperature);
    const auto logit = [&](std::size_t c) {
      return (double(from[c]) - (middle ? double(middle[c]) : 0)) * inverse;
    };
    const double top = counts ? team.maximum(columns, logit) : 0;
    const auto term = [&](std::size_t c) { return counts ? std::exp(logit(c) - top) : 0.; };
    const double sum = counts ? team.sum(columns, term) : 1;
    team.each(columns, [&](std::size_t c) { to[c] = static_cast<W>(term(c) / sum); });
  }
};

/// One column of the centre after a step: what it keeps, and its share of the mean of the rows.
template <class T, class W>
struct move_centre {
  std::size_t rows, columns;
  double momentum;
  const T* scores;
  const std::uint8_t* used;
  const W* before;
  W* after;

  template <class Team>
  PRETEXT_HOST_DEVICE void operator()(std::size_t column, const Team& team) const {
    const T* const from = scores + column;
    const std::uint8_t* const counts = used;
    const std::size_t step = columns;
    const double sum =
        team.sum(rows, [&](std::size_t r) { return !counts || counts[r] ? double(from[r * step]) : 0.; });
    const double count =
        counts ? team.sum(rows, [&](std::size_t r) { return counts[r] ? 1. : 0.; }) : double(rows);
    const double old = double(before[column]), share = 1 - momentum;
    team.each(1, [&](std::size_t) {
      after[column] = static_cast<W>(count > 0 ? momentum * old + share * (sum / count) : old);
    });
  }
};

/// A moving average of a teacher's scores, which begins at 0. `Name` is that of its buffer in a checkpoint.
template <class Context, fixed_string Name = "centre">
class moving_centre {
 public:
  using T = typename Context::activation;
  using W = typename Context::weight;

  const W* values() const { return now_.data(); }

  template <class Visitor>
  void for_each_buffer(Visitor&& visit) {
    if (now_.size() > 0) visit(std::string_view{Name}, now_.data(), now_.size());
  }

  /// Computes where `commit` will move it: from `rows` scores, those that are used.
  void move(const loss_operations<Context>& at, std::size_t rows, double momentum, const T* scores,
            const std::uint8_t* used) {
    at.for_each_row(now_.size(),
                    move_centre<T, W>{rows, now_.size(), momentum, scores, used, now_.data(), next_.data()});
  }
  void commit(Context& context) {
    if (now_.size() > 0)
      kernels::for_each_row_after_step(context, 1, copy_row<W, W>{now_.size(), next_.data(), now_.data()});
  }

 protected:
  void allocate(std::size_t columns) {
    now_ = buffer<W, typename Context::device>{columns};
    next_ = buffer<W, typename Context::device>{columns};
  }

 private:
  buffer<W, typename Context::device> now_, next_;
};

}  // namespace pretext::inline v0_1::detail
