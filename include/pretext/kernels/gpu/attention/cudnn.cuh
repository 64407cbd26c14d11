// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <type_traits>

#include <pretext/core/arena.hpp>
#include <pretext/devices/cuda.hpp>
#include <pretext/devices/cuda/cudnn_plans.hpp>
#include <pretext/kernels/gpu/attention.hpp>

namespace pretext::inline v0_1::kernels {

/// cuDNN's attention in bfloat16. The fallback, our own kernels, computes everything else, and shapes for
/// which cuDNN has no deterministic plan, or none that it executes. Of fewer tokens than `fewest_untimed`
/// both are timed where plans are timed, else the fallback computes them. Both store the same log-sum-exp, so
/// that either goes back through what the other computed.
template <>
struct attention<cuda_gpu> {
  using fallback = grid::recomputed_attention;

  /// One block of our own kernel has all scores of a head of fewer tokens, and reads its inputs once.
  static constexpr std::size_t fewest_untimed = grid::most_short_tokens + 1;
  /// Older versions go back through the wrong scores where 128 does not divide the tokens, unless they are
  /// given a mask.
  static constexpr std::size_t oldest_version = 91600;

  template <class Context, class T, class W>
  static void forward(Context& context, const attention_extents& e, std::size_t batch, const T* qkv, T* y,
                      W* log_sum) {
    using namespace pretext::detail;
    const auto otherwise = [&] { fallback::forward(context, e, batch, qkv, y, log_sum); };
    if (const auto described = describe(attention_pass::forward, e, batch);
        is_offered<T>(context, described, {qkv, y, log_sum})) {
      const arena_scope guard{context.workspace};
      const W* const sums = log_sum ? log_sum : allocate_per_query<W>(context, e, batch);
      const float scale = scale_of(e);
      if (run(context, described, otherwise,
              {{attention_queries, qkv},
               {attention_keys, qkv + e.width},
               {attention_values, qkv + 2 * e.width},
               {attention_outputs, y},
               {attention_sums, sums},
               {attention_scale, &scale}}))
        return;
    }
    otherwise();
  }

  template <class Context, class T, class W>
  static void backward(Context& context, const attention_extents& e, std::size_t batch, const T* qkv,
                       const T* y, const W* log_sum, const T* dy, T* dqkv) {
    using namespace pretext::detail;
    const auto otherwise = [&] { fallback::backward(context, e, batch, qkv, y, log_sum, dy, dqkv); };
    if (const auto described = describe(attention_pass::backward, e, batch);
        is_offered<T>(context, described, {qkv, y, log_sum, dy, dqkv})) {
      const arena_scope guard{context.workspace};
      const W* const deltas = allocate_per_query<W>(context, e, batch);
      const float scale = scale_of(e), kept = 1;
      if (run(context, described, otherwise,
              {{attention_queries, qkv},
               {attention_keys, qkv + e.width},
               {attention_values, qkv + 2 * e.width},
               {attention_outputs, y},
               {attention_sums, log_sum},
               {attention_scale, &scale},
               {attention_doutputs, dy},
               {attention_deltas, deltas},
               {attention_kept, &kept},
               {attention_dqueries, dqkv},
               {attention_dkeys, dqkv + e.width},
               {attention_dvalues, dqkv + 2 * e.width}}))
        return;
    }
    otherwise();
  }

 private:
  using plans = pretext::detail::cudnn_plans;
  using described_attention = pretext::detail::cudnn_attention;

  static described_attention describe(pretext::detail::attention_pass pass, const attention_extents& e,
                                      std::size_t batch) {
    const auto count = [](std::size_t n) { return static_cast<std::int64_t>(n); };
    return {pass, CUDNN_DATA_BFLOAT16, count(batch), count(e.heads), count(e.tokens), count(e.head_width())};
  }
  /// Whether cuDNN has a plan for tensors of type T at these addresses.
  template <class T, class Context>
  static bool is_offered(Context& context, const described_attention& described,
                         std::initializer_list<const void*> tensors) {
    if constexpr (std::is_same_v<T, bfloat16>)
      return described.batch > 0 &&
             grid::is_vectorizable<T>(static_cast<std::size_t>(described.width), tensors) &&
             cudnnGetVersion() >= oldest_version &&
             (is_short(described) || context.stream.template library<plans>().find(described).possible());
    else
      return false;
  }

  static bool is_short(const described_attention& described) {
    return described.tokens < static_cast<std::int64_t>(fewest_untimed);
  }
  template <class Context, class Otherwise>
  static bool run(Context& context, const described_attention& described, const Otherwise& otherwise,
                  std::initializer_list<plans::argument> arguments) {
    plans& library = context.stream.template library<plans>();
    const auto fused = [&] { return library.run(context, described, arguments); };
    return (!is_short(described) || library.is_faster(context, described, {}, fused, otherwise, false)) &&
           fused();
  }

  static float scale_of(const attention_extents& e) {
    return 1 / std::sqrt(static_cast<float>(e.head_width()));
  }
  template <class W, class Context>
  static W* allocate_per_query(Context& context, const attention_extents& e, std::size_t batch) {
    return context.workspace.template allocate<W>(batch * e.heads * e.tokens);
  }
};

}  // namespace pretext::inline v0_1::kernels
