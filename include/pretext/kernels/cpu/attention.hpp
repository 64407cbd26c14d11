#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>

#include <pretext/core/arena.hpp>
#include <pretext/devices/cpu.hpp>
#include <pretext/kernels/attention.hpp>
#include <pretext/kernels/cpu/attention/softmax_columns.hpp>
#include <pretext/kernels/cpu/gemm/pack_transposed.hpp>
#include <pretext/kernels/cpu/gemm/packed_product.hpp>
#include <pretext/kernels/cpu/simd/isa.hpp>

namespace pretext::kernels {

// One head of one sample at a time, its queries in groups: the scores of a group, keys × queries, stay in the
// cache and are never written anywhere else.
template <>
struct attention<cpu> {
  template <class Context, class T>
  static void forward(Context& context, const attention_extents& e, std::size_t batch, const T* qkv, T* y,
                      T* log_sum) {
    const geometry<T> g{e};
    const std::size_t values_size = g.copied, queries_size = g.depth * g.group;
    for_each_head<T>(
        context, g, batch * e.heads, values_size + queries_size + g.scores,
        [=](std::size_t unit, T* memory, const T** rows) {
          const T *q = qkv + g.of_qkv(unit), *k = q + g.width, *v = k + g.width;
          T* to = y + g.of_y(unit);
          T *queries = memory + values_size, *scores = queries + queries_size;
          const detail::row_operand<T> values{v, g.tokens, g.depth, g.step, memory};
          for (std::size_t j = 0; j < g.tokens; ++j) rows[j] = scores + j * g.group;
          for (std::size_t first = 0; first < g.tokens; first += g.group) {
            const std::size_t count = std::min(g.group, g.tokens - first);
            detail::pack_transposed(q + first * g.step, g.depth, count, g.step, queries);
            const std::size_t whole = detail::whole_panels<T>(count);
            detail::packed_product(k, g.step, g.tokens, g.depth, queries, whole, scores, g.group, false);
            vectorised([=] {
              detail::clear_columns(scores, g.group, g.tokens, whole, detail::whole_lanes(count));
              detail::softmax_columns(scores, g.group, g.tokens, count, g.scale,
                                      log_sum ? log_sum + unit * g.tokens + first : nullptr);
            });
            detail::outer_product_of(rows, g.tokens, count, values, g.depth, to + first * g.width, g.width);
          }
        });
  }

  template <class Context, class T>
  static void backward(Context& context, const attention_extents& e, std::size_t batch, const T* qkv,
                       const T*, const T* log_sum, const T* dy, T* dqkv) {
    const geometry<T> g{e};
    const std::size_t across = g.depth * g.group, along = g.group * detail::whole_panels<T>(g.depth);
    for_each_head<T>(
        context, g, batch * e.heads, g.copied + 2 * across + 2 * along + 2 * g.scores,
        [=](std::size_t unit, T* memory, const T** rows) {
          const T *q = qkv + g.of_qkv(unit), *k = q + g.width, *v = k + g.width, *dout = dy + g.of_y(unit);
          T *dq = dqkv + g.of_qkv(unit), *dk = dq + g.width, *dv = dk + g.width;
          T *queries_across = memory + g.copied, *douts_across = queries_across + across;
          T *queries = douts_across + across, *douts = queries + along;
          T *p = douts + along, *ds = p + g.scores;
          const detail::row_operand<T> keys{k, g.tokens, g.depth, g.step, memory};
          for (std::size_t j = 0; j < g.tokens; ++j) rows[j] = ds + j * g.group;
          for (std::size_t first = 0; first < g.tokens; first += g.group) {
            const std::size_t count = std::min(g.group, g.tokens - first);
            const std::size_t whole = detail::whole_panels<T>(count);
            const T *from = q + first * g.step, *dfrom = dout + first * g.width;
            detail::pack_transposed(from, g.depth, count, g.step, queries_across);
            detail::pack_transposed(dfrom, g.depth, count, g.width, douts_across);
            detail::pack_operand(from, count, g.depth, g.step, queries);
            detail::pack_operand(dfrom, count, g.depth, g.width, douts);
            detail::packed_product(k, g.step, g.tokens, g.depth, queries_across, whole, p, g.group, false);
            detail::packed_product(v, g.step, g.tokens, g.depth, douts_across, whole, ds, g.group, false);
            vectorised([=] {
              detail::clear_columns(p, g.group, g.tokens, whole, detail::whole_lanes(count));
              detail::clear_columns(ds, g.group, g.tokens, whole, detail::whole_lanes(count));
              detail::softmax_columns_backward(p, ds, g.group, g.tokens, count, g.scale,
                                               log_sum + unit * g.tokens + first);
            });
            detail::packed_product(p, g.group, g.tokens, count, douts, g.depth, dv, g.step, first > 0);
            detail::packed_product(ds, g.group, g.tokens, count, queries, g.depth, dk, g.step, first > 0);
            detail::outer_product_of(rows, g.tokens, count, keys, g.depth, dq + first * g.step, g.step);
          }
        });
  }

 private:
  /// The numbers that follow from a layer's extents.
  template <class T>
  struct geometry {
    std::size_t tokens, width, heads, depth, step, group, scores, copied;
    T scale;

    explicit geometry(const attention_extents& e)
        : tokens{e.tokens},
          width{e.width},
          heads{e.heads},
          depth{e.head_width()},
          step{3 * e.width},
          group{even_groups(e.tokens)},
          scores{e.tokens * group},
          copied{detail::row_operand<T>::needs_copy(depth) ? tokens * detail::whole_panels<T>(depth) : 0},
          scale{T{1} / std::sqrt(static_cast<T>(depth))} {}

    std::size_t of_qkv(std::size_t unit) const { return unit / heads * tokens * step + unit % heads * depth; }
    std::size_t of_y(std::size_t unit) const { return unit / heads * tokens * width + unit % heads * depth; }

    /// Queries of a group: whole panels, at most 128 or one, and no group much smaller than the others.
    static std::size_t even_groups(std::size_t tokens) {
      const std::size_t groups = (tokens + 127) / 128;
      return detail::whole_lanes(detail::whole_panels<T>((tokens + groups - 1) / groups));
    }
  };

  /// `work(unit, memory, rows)` for every head of every sample; heads that follow each other share their
  /// `numbers` and their list of rows.
  template <class T, class Context, class Work>
  static void for_each_head(Context& context, const geometry<T>& g, std::size_t units, std::size_t numbers,
                            const Work& work) {
    if (units == 0) return;
    const std::size_t run = (units + 63) / 64, runs = (units + run - 1) / run;
    const std::size_t aligned = (numbers + 15) / 16 * 16;
    const arena_scope guard{context.workspace};
    T* const memory = context.workspace.template allocate<T>(runs * aligned);
    const T** const rows = context.workspace.template allocate<const T*>(runs * g.tokens);
    context.stream.for_each_run(units, run, [&](std::size_t first, std::size_t last) {
      for (std::size_t unit = first; unit < last; ++unit)
        work(unit, memory + first / run * aligned, rows + first / run * g.tokens);
    });
  }
};

}  // namespace pretext::kernels
