#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>

#include <pretext/core/arena.hpp>
#include <pretext/devices/cpu.hpp>
#include <pretext/kernels/attention.hpp>
#include <pretext/kernels/cpu/isa.hpp>
#include <pretext/kernels/cpu/packed_product.hpp>
#include <pretext/kernels/cpu/softmax_rows.hpp>

namespace pretext::kernels {

// One head of one sample at a time, its rows in groups whose scores stay in the cache: nothing of size
// tokens × tokens is ever written to memory.
template <>
struct attention<cpu> {
  template <class Place, class T>
  static void forward(Place& place, const attention_extents& e, std::size_t batch, const T* qkv, T* y,
                      T* log_sum) {
    const std::size_t tokens = e.tokens, depth = e.head_width(), step = 3 * e.width, padded = padding<T>(e);
    const std::size_t keys_size = depth * padded, values_size = tokens * detail::whole_panels<T>(depth);
    const T scale = T{1} / std::sqrt(static_cast<T>(depth));
    for_each_head(
        place, e, batch, keys_size + values_size + group * padded, [=](std::size_t unit, T* memory) {
          const std::size_t sample = unit / e.heads, head = unit % e.heads;
          const T* q = qkv + sample * tokens * step + head * depth;
          T *keys = memory, *values = keys + keys_size, *scores = values + values_size;
          T* to = y + sample * tokens * e.width + head * depth;
          detail::pack_operand(q + e.width, depth, tokens, std::size_t{1}, step, keys);
          detail::pack_operand(q + 2 * e.width, tokens, depth, step, std::size_t{1}, values);
          for (std::size_t first = 0; first < tokens; first += group) {
            const std::size_t rows = std::min(group, tokens - first);
            detail::packed_product(q + first * step, step, rows, depth, keys, tokens, scores, padded);
            vectorised([=] {
              for (std::size_t r = 0; r < rows; ++r) {
                const T sum = detail::softmax_row(scores + r * padded, tokens, padded, scale);
                if (log_sum) log_sum[unit * tokens + first + r] = sum;
              }
            });
            detail::packed_product(scores, padded, rows, tokens, values, depth, to + first * e.width,
                                   e.width);
          }
        });
  }

  template <class Place, class T>
  static void backward(Place& place, const attention_extents& e, std::size_t batch, const T* qkv, const T* y,
                       const T* log_sum, const T* dy, T* dqkv) {
    const std::size_t tokens = e.tokens, depth = e.head_width(), step = 3 * e.width, padded = padding<T>(e);
    const std::size_t across = depth * padded, along = tokens * detail::whole_panels<T>(depth);
    const T scale = T{1} / std::sqrt(static_cast<T>(depth));
    for_each_head(
        place, e, batch, 2 * across + 3 * along + 2 * group * padded, [=](std::size_t unit, T* memory) {
          const std::size_t sample = unit / e.heads, head = unit % e.heads;
          const std::size_t at = sample * tokens * e.width + head * depth;
          const T *q = qkv + sample * tokens * step + head * depth, *k = q + e.width, *v = k + e.width;
          T *dq = dqkv + sample * tokens * step + head * depth, *dk = dq + e.width, *dv = dk + e.width;
          const T *out = y + at, *dout = dy + at;
          T *keys_across = memory, *values_across = keys_across + across, *queries = values_across + across;
          T *keys = queries + along, *douts = keys + along, *p = douts + along, *ds = p + group * padded;
          detail::pack_operand(k, depth, tokens, std::size_t{1}, step, keys_across);
          detail::pack_operand(v, depth, tokens, std::size_t{1}, step, values_across);
          detail::pack_operand(q, tokens, depth, step, std::size_t{1}, queries);
          detail::pack_operand(k, tokens, depth, step, std::size_t{1}, keys);
          detail::pack_operand(dout, tokens, depth, e.width, std::size_t{1}, douts);
          for (std::size_t first = 0; first < tokens; first += group) {
            const std::size_t rows = std::min(group, tokens - first);
            detail::packed_product(q + first * step, step, rows, depth, keys_across, tokens, p, padded);
            detail::packed_product(dout + first * e.width, e.width, rows, depth, values_across, tokens, ds,
                                   padded);
            vectorised([=] {
              for (std::size_t r = 0; r < rows; ++r) {
                const T *o = out + (first + r) * e.width, *g = dout + (first + r) * e.width;
                const T dot =
                    detail::lane_sum<T>(depth, [=](std::size_t c) { return o[c] * g[c]; });  // Σ p·dp
                detail::softmax_row_backward(p + r * padded, ds + r * padded, tokens, padded, scale,
                                             log_sum[unit * tokens + first + r], dot);
              }
            });
            detail::packed_product(ds, padded, rows, tokens, keys, depth, dq + first * step, step);
            detail::packed_outer_product(ds, padded, rows, tokens, queries, tokens, first, depth, dk, step,
                                         first > 0);
            detail::packed_outer_product(p, padded, rows, tokens, douts, tokens, first, depth, dv, step,
                                         first > 0);
          }
        });
  }

 private:
  static constexpr std::size_t group = detail::most_outer_rows;

  template <class T>
  static std::size_t padding(const attention_extents& e) {
    const std::size_t whole = detail::whole_panels<T>(e.tokens), lanes = detail::score_lanes<T>;
    return (whole + lanes - 1) / lanes * lanes;
  }

  /// `work(unit, memory)` for every head of every sample; heads that follow each other share their `numbers`.
  template <class Place, class Work>
  static void for_each_head(Place& place, const attention_extents& e, std::size_t batch, std::size_t numbers,
                            const Work& work) {
    using T = typename Place::activation;
    const std::size_t units = batch * e.heads, run = (units + 63) / 64;
    const std::size_t aligned = (numbers + 15) / 16 * 16;
    const borrowed guard{place.scratch};
    T* const memory =
        place.scratch.template take<T>((units + run - 1) / std::max<std::size_t>(run, 1) * aligned);
    if (units == 0) return;
    place.stream.for_each_run(units, run, [&](std::size_t first, std::size_t last) {
      for (std::size_t unit = first; unit < last; ++unit) work(unit, memory + first / run * aligned);
    });
  }
};

}  // namespace pretext::kernels
