// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>

#include <pretext/core/device_scalar.hpp>
#include <pretext/core/host_device.hpp>
#include <pretext/core/random.hpp>
#include <pretext/losses/detail/draw_unit_row.hpp>
#include <pretext/losses/detail/loss_operations.hpp>

namespace pretext::inline v0_1::detail {

/// A random word for each of `count` elements, in one row.
struct draw_words {
  std::size_t count;
  std::uint64_t draws, draw;  ///< of a step
  device_scalar<std::uint64_t> seed, steps;
  std::uint32_t* words;

  template <class Team>
  PRETEXT_HOST_DEVICE void operator()(std::size_t, const Team& team) const {
    const random_key key{seed, order_epoch, std::uint64_t{steps} * draws + draw, 0};
    team.each(count, [&](std::size_t i) { words[i] = key.word(static_cast<std::uint32_t>(i)); });
  }
};

/// The place of one element in the order of their words.
struct place_by_word {
  std::size_t count;
  const std::uint32_t* words;
  std::uint32_t* order;

  template <class Team>
  PRETEXT_HOST_DEVICE void operator()(std::size_t row, const Team& team) const {
    const std::uint32_t own = words[row];
    const double place = team.sum(
        count, [&](std::size_t i) { return words[i] < own || (words[i] == own && i < row) ? 1. : 0.; });
    team.each(1,
              [&](std::size_t) { order[static_cast<std::size_t>(place)] = static_cast<std::uint32_t>(row); });
  }
};

/// A random permutation of `count` elements in temporary memory, the number `draw` of the `draws` of a step.
template <class Context>
const std::uint32_t* random_order(const loss_operations<Context>& at, std::size_t count, std::uint64_t draws,
                                  std::uint64_t draw, device_scalar<std::uint64_t> seed,
                                  device_scalar<std::uint64_t> steps) {
  auto *const words = at.template allocate<std::uint32_t>(count), *const order =
                                                                      at.template allocate<std::uint32_t>(
                                                                          count);
  at.for_each_row(1, draw_words{count, draws, draw, seed, steps, words});
  at.for_each_row(count, place_by_word{count, words, order});
  return order;
}

}  // namespace pretext::inline v0_1::detail
