#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>

#include <pretext/kernels/cpu/simd/exponential.hpp>

// What attention does to its scores, which stand a query per column and a key per row: whole registers of
// queries at a time, so that no sum goes across a register. Written for `vectorised`.
namespace pretext::kernels::detail {

/// Columns that are worked on together; a row of scores has a multiple of it, the last filled up with zeros.
/// Shorter loops would be unrolled into single numbers before they could become vector instructions.
inline constexpr std::size_t query_lanes = 32;

inline std::size_t whole_lanes(std::size_t queries) {
  return (queries + query_lanes - 1) / query_lanes * query_lanes;
}

/// Fills columns [from, to) of each row with zeros.
template <class T>
void clear_columns(T* s, std::size_t step, std::size_t keys, std::size_t from, std::size_t to) {
  for (std::size_t key = 0; from < to && key < keys; ++key)
    std::fill(s + key * step + from, s + key * step + to, T{0});
}

/// Turns scores s[key·step + query] into probabilities softmax(scale·s) of each query over `keys` keys;
/// writes the logarithm of each Σ exp(scale·s) unless `log_sum` is null.
template <class T>
void softmax_columns(T* s, std::size_t step, std::size_t keys, std::size_t queries, T scale, T* log_sum) {
  constexpr std::size_t lanes = query_lanes;
  for (std::size_t first = 0; first < queries; first += lanes, s += lanes) {
    T largest[lanes], sum[lanes]{}, poison[lanes]{}, share[lanes];
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
        poison[i] += scaled[i] - scaled[i];  // the exponential makes 0 of a NaN
      }
    }
    for (std::size_t i = 0; i < lanes; ++i) sum[i] += poison[i];
    for (std::size_t i = 0; i < lanes; ++i) share[i] = T{1} / sum[i];
    for (std::size_t key = 0; key < keys; ++key)
      for (std::size_t i = 0; i < lanes; ++i) s[key * step + i] *= share[i];
    for (std::size_t i = 0; log_sum && i < std::min(lanes, queries - first); ++i)
      log_sum[first + i] = largest[i] + std::log(sum[i]);
  }
}

/// From scores s and the gradient dp of their probabilities to p = exp(scale·s - log_sum), in place of s, and
/// the gradient of the scores, scale·p·(dp - Σ p·dp), in place of dp.
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

}  // namespace pretext::kernels::detail
