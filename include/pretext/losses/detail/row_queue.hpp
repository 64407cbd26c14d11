// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <pretext/core/context.hpp>
#include <pretext/core/expects.hpp>
#include <pretext/core/host_device.hpp>
#include <pretext/core/shape.hpp>
#include <pretext/core/tensor.hpp>
#include <pretext/kernels/after_step.hpp>
#include <pretext/losses/detail/copy_rows.hpp>
#include <pretext/losses/detail/draw_unit_row.hpp>
#include <pretext/losses/detail/loss_operations.hpp>

namespace pretext::inline v0_1::detail {

/// Writes a new row into its queue.
template <class W>
struct write_queue_row {
  std::size_t count, capacity, columns;
  const std::uint64_t* position;
  const W* added;
  W* queues;

  template <class Team>
  PRETEXT_HOST_DEVICE void operator()(std::size_t row, const Team& team) const {
    const std::size_t queue = row / count, place = (*position + row % count) % capacity;
    const W* const from = added + row * columns;
    W* const to = queues + (queue * capacity + place) * columns;
    team.each(columns, [&](std::size_t c) { to[c] = from[c]; });
  }
};

struct advance_position {
  std::size_t count, capacity;
  std::uint64_t* position;

  template <class Team>
  PRETEXT_HOST_DEVICE void operator()(std::size_t, const Team& team) const {
    team.each(1, [&](std::size_t) { *position = (*position + count) % capacity; });
  }
};

/// Queues of unit rows, (capacity, D) each: rows of a step take the place of the oldest ones. They start as
/// normal draws, normalised.
template <class Context, Shape Row>
class row_queue {
 public:
  using T = typename Context::activation;
  using W = typename Context::weight;
  using device = typename Context::device;
  static constexpr std::size_t columns = Row::size;

  std::size_t capacity() const { return queues_ > 0 ? rows_.size() / (queues_ * columns) : 0; }
  /// Where the next row goes, in the device's memory.
  const std::uint64_t* position() const { return position_.data(); }

  template <class Visitor>
  void for_each_buffer(Visitor&& visit) {
    visit(std::string_view{"queue"}, rows_.data(), rows_.size());
    visit(std::string_view{"queue_position"}, position_.data(), position_.size());
  }

  /// The rows of all queues in the type of the operands of products.
  const T* operands(const loss_operations<Context>& at) const {
    return operands_of(at, queues_ * capacity(), columns, static_cast<const W*>(rows_.data()));
  }

  /// Stores `count` unit rows for each queue, a copy that `commit` adds to them: those from row `first` on,
  /// then those before it. Throws std::invalid_argument unless the capacity is a multiple of the images of a
  /// batch.
  void add(const loss_operations<Context>& at, const char* loss, std::size_t images, std::size_t count,
           const T* unit, std::size_t first = 0) {
    expects(images > 0 && capacity() % images == 0, loss, ": the capacity ", capacity(),
            " of its queue is not a multiple of the ", images, " images of a batch; choose one that is");
    expects(count <= capacity(), loss, ": a step adds ", count, " rows to a queue of ", capacity(),
            "; choose a larger capacity");
    added_ = count;
    const std::size_t last = queues_ * count - first;
    W* const to = new_rows_.resize(queues_ * count).data;
    at.for_each_row(last, copy_row<T, W>{columns, unit + first * columns, to});
    if (first > 0) at.for_each_row(first, copy_row<T, W>{columns, unit, to + last * columns});
  }

  /// Adds the rows that were stored.
  void commit(Context& context) {
    if (added_ == 0) return;
    kernels::for_each_row_after_step(context, queues_ * added_,
                                     write_queue_row<W>{added_, capacity(), columns, position_.data(),
                                                        new_rows_.view().data, rows_.data()});
    kernels::for_each_row_after_step(context, 1, advance_position{added_, capacity(), position_.data()});
  }

 protected:
  void allocate(Context& context, std::size_t queues, std::size_t capacity, std::uint64_t seed) {
    queues_ = queues;
    added_ = 0;
    rows_ = buffer<W, device>{queues * capacity * columns};
    position_ = buffer<std::uint64_t, device>{1};
    kernels::for_each_row<device>::run(
        context, queues * capacity,
        draw_unit_row<W>{queues * capacity, columns, queue_epoch, seed, std::uint64_t{0}, rows_.data()});
  }

 private:
  std::size_t queues_ = 0, added_ = 0;
  buffer<W, device> rows_;
  buffer<std::uint64_t, device> position_;
  tensor<W, Row, device> new_rows_;
};

}  // namespace pretext::inline v0_1::detail
