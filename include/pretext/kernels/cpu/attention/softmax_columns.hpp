// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>

#include <pretext/kernels/cpu/simd/exponential.hpp>

// Softmax of attention scores, keys × queries, over the keys: a register holds scores of adjacent queries, so
// no sum goes across a register. To be called within `vectorised`.
namespace pretext::inline v0_1::kernels::detail {

/// Columns that are processed together; rows of scores are padded with zeros to a multiple. Shorter loops
/// would be unrolled into scalars before compilers vectorise them.
inline constexpr std::size_t query_lanes = 32;

/// `queries` rounded up to a multiple of `query_lanes`.
inline std::size_t whole_lanes(std::size_t queries) {
  return (queries + query_lanes - 1) / query_lanes * query_lanes;
}

/// Sets columns [from, to) of each row to zero.
template <class T>
void clear_columns(T* s, std::size_t step, std::size_t keys, std::size_t from, std::size_t to) {
  for (std::size_t key = 0; from < to && key < keys; ++key)
    std::fill(s + key * step + from, s + key * step + to, T{0});
}

/// Replaces scores s[key·step + query] by the probabilities softmax(scale·s) of each query over `keys` keys;
/// writes log Σ exp(scale·s) of each query unless `log_sum` is null.
template <class T>
void softmax_columns(T* s, std::size_t step, std::size_t keys, std::size_t queries, T scale, T* log_sum) {
  constexpr std::size_t lanes = query_lanes;
  for (std::size_t first = 0; first < queries; first += lanes, s += lanes) {
    T largest[lanes], sum[lanes]{}, nan[lanes]{}, inverse[lanes];
    for (std::size_t i = 0; i < lanes; ++i) largest[i] = s[i];
    for (std::size_t key = 1; key < keys; ++key)
      for (std::size_t i = 0; i < lanes; ++i)
        largest[i] = largest[i] > s[key * step + i] ? largest[i] : s[key * step + i];
    for (std::size_t i = 0; i < lanes; ++i) largest[i] *= scale;
    for (std::size_t key = 0; key < keys; ++key) {
      T scaled[lanes], e[lanes];
      for (std::size_t i = 0; i < lanes; ++i) scaled[i] = scale * s[key * step + i];
      negative_exponentials<lanes>(
          scaled, [&](std::size_t i) { return largest[i]; }, e);
      for (std::size_t i = 0; i < lanes; ++i) {
        s[key * step + i] = e[i];
        sum[i] += e[i];
        nan[i] += scaled[i] - scaled[i];  // 0, or NaN, which the exponential would turn into 0
      }
    }
    for (std::size_t i = 0; i < lanes; ++i) sum[i] += nan[i];
    for (std::size_t i = 0; i < lanes; ++i) inverse[i] = T{1} / sum[i];
    for (std::size_t key = 0; key < keys; ++key)
      for (std::size_t i = 0; i < lanes; ++i) s[key * step + i] *= inverse[i];
    for (std::size_t i = 0; log_sum && i < std::min(lanes, queries - first); ++i)
      log_sum[first + i] = largest[i] + std::log(sum[i]);
  }
}

/// Replaces scores s by p = exp(scale·s - log_sum), and the gradient dp of p by the gradient of the scores,
/// scale·p·(dp - Σ p·dp).
template <class T>
void softmax_columns_backward(T* s, T* dp, std::size_t step, std::size_t keys, std::size_t queries, T scale,
                              const T* log_sum) {
  constexpr std::size_t lanes = query_lanes;
  for (std::size_t first = 0; first < queries; first += lanes, s += lanes, dp += lanes) {
    T shift[lanes]{}, dot[lanes]{};
    std::copy_n(log_sum + first, std::min(lanes, queries - first), shift);
    for (std::size_t key = 0; key < keys; ++key) {
      T scaled[lanes], p[lanes];
      for (std::size_t i = 0; i < lanes; ++i) scaled[i] = scale * s[key * step + i];
      negative_exponentials<lanes>(
          scaled, [&](std::size_t i) { return shift[i]; }, p);
      for (std::size_t i = 0; i < lanes; ++i) {
        s[key * step + i] = p[i];
        dot[i] += p[i] * dp[key * step + i];
      }
    }
    for (std::size_t key = 0; key < keys; ++key)
      for (std::size_t i = 0; i < lanes; ++i)
        dp[key * step + i] = scale * s[key * step + i] * (dp[key * step + i] - dot[i]);
  }
}

}  // namespace pretext::inline v0_1::kernels::detail
