// SPDX-License-Identifier: MIT
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

namespace pretext::inline v0_1::kernels {

/// A unit of work is one head of one sample. Its queries are processed in groups whose scores, keys ×
/// queries, stay in the cache: the matrix of all scores is never stored. Keys are rows of the scores, so that
/// softmax needs no sum across a register (attention/softmax_columns.hpp).
template <>
struct attention<cpu> {
  template <class Context, class T>
  static void forward(Context& context, const attention_extents& e, std::size_t batch, const T* qkv, T* y,
                      T* log_sum) {
    const geometry<T> g{e};
    const std::size_t values_size = g.copy_size, queries_size = g.depth * g.group;
    for_each_head<T>(
        context, g, batch * e.heads, values_size + queries_size + g.scores,
        [=](std::size_t unit, T* memory, const T** rows) {
          const T *q = qkv + g.qkv_offset(unit), *k = q + g.width, *v = k + g.width;
          T* to = y + g.y_offset(unit);
          T *queries = memory + values_size, *scores = queries + queries_size;
          const detail::row_operand<T> values{v, g.tokens, g.depth, g.step, memory};
          for (std::size_t j = 0; j < g.tokens; ++j) rows[j] = scores + j * g.group;
          for (std::size_t first = 0; first < g.tokens; first += g.group) {
            const std::size_t count = std::min(g.group, g.tokens - first);
            detail::pack_transposed(q + first * g.step, g.depth, count, g.step, queries);
            const std::size_t padded = detail::whole_panels<T>(count);
            detail::packed_product(k, g.step, g.tokens, g.depth, queries, padded, scores, g.group, false);
            vectorised([=] {
              detail::clear_columns(scores, g.group, g.tokens, padded, detail::whole_lanes(count));
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
    const std::size_t transposed_size = g.depth * g.group,
                      rows_size = g.group * detail::whole_panels<T>(g.depth);
    for_each_head<T>(
        context, g, batch * e.heads, g.copy_size + 2 * transposed_size + 2 * rows_size + 2 * g.scores,
        [=](std::size_t unit, T* memory, const T** rows) {
          const T *q = qkv + g.qkv_offset(unit), *k = q + g.width, *v = k + g.width,
                  *dout = dy + g.y_offset(unit);
          T *dq = dqkv + g.qkv_offset(unit), *dk = dq + g.width, *dv = dk + g.width;
          T *queries_transposed = memory + g.copy_size,
            *douts_transposed = queries_transposed + transposed_size;
          T *queries = douts_transposed + transposed_size, *douts = queries + rows_size;
          T *p = douts + rows_size, *ds = p + g.scores;
          const detail::row_operand<T> keys{k, g.tokens, g.depth, g.step, memory};
          for (std::size_t j = 0; j < g.tokens; ++j) rows[j] = ds + j * g.group;
          for (std::size_t first = 0; first < g.tokens; first += g.group) {
            const std::size_t count = std::min(g.group, g.tokens - first);
            const std::size_t padded = detail::whole_panels<T>(count);
            const T *from = q + first * g.step, *dfrom = dout + first * g.width;
            detail::pack_transposed(from, g.depth, count, g.step, queries_transposed);
            detail::pack_transposed(dfrom, g.depth, count, g.width, douts_transposed);
            detail::pack_operand(from, count, g.depth, g.step, queries);
            detail::pack_operand(dfrom, count, g.depth, g.width, douts);
            detail::packed_product(k, g.step, g.tokens, g.depth, queries_transposed, padded, p, g.group,
                                   false);
            detail::packed_product(v, g.step, g.tokens, g.depth, douts_transposed, padded, ds, g.group,
                                   false);
            vectorised([=] {
              detail::clear_columns(p, g.group, g.tokens, padded, detail::whole_lanes(count));
              detail::clear_columns(ds, g.group, g.tokens, padded, detail::whole_lanes(count));
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
  /// The sizes that follow from a layer's extents: `group` queries per group, `copy_size` elements of a
  /// packed copy.
  template <class T>
  struct geometry {
    std::size_t tokens, width, heads, depth, step, group, scores, copy_size;
    T scale;

    explicit geometry(const attention_extents& e)
        : tokens{e.tokens},
          width{e.width},
          heads{e.heads},
          depth{e.head_width()},
          step{3 * e.width},
          group{group_size(e.tokens)},
          scores{e.tokens * group},
          copy_size{detail::row_operand<T>::needs_copy(depth) ? tokens * detail::whole_panels<T>(depth) : 0},
          scale{T{1} / std::sqrt(static_cast<T>(depth))} {}

    std::size_t qkv_offset(std::size_t unit) const {
      return unit / heads * tokens * step + unit % heads * depth;
    }
    std::size_t y_offset(std::size_t unit) const {
      return unit / heads * tokens * width + unit % heads * depth;
    }

    /// Queries per group: about 128 at most, whole panels, and no group much smaller than the others.
    static std::size_t group_size(std::size_t tokens) {
      const std::size_t groups = (tokens + 127) / 128;
      return detail::whole_lanes(detail::whole_panels<T>((tokens + groups - 1) / groups));
    }
  };

  /// Calls `work(unit, memory, rows)` for every head of every sample. Consecutive heads share `size` elements
  /// of memory and a list of row pointers.
  template <class T, class Context, class Work>
  static void for_each_head(Context& context, const geometry<T>& g, std::size_t units, std::size_t size,
                            const Work& work) {
    if (units == 0) return;
    const std::size_t run = (units + 63) / 64, runs = (units + run - 1) / run;
    const std::size_t aligned_size = (size + 15) / 16 * 16;
    const arena_scope guard{context.workspace};
    T* const memory = context.workspace.template allocate<T>(runs * aligned_size);
    const T** const rows = context.workspace.template allocate<const T*>(runs * g.tokens);
    context.stream.for_each_run(units, run, [&](std::size_t first, std::size_t last) {
      for (std::size_t unit = first; unit < last; ++unit)
        work(unit, memory + first / run * aligned_size, rows + first / run * g.tokens);
    });
  }
};

}  // namespace pretext::inline v0_1::kernels
