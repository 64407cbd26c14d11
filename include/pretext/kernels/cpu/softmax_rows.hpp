#pragma once
#include <cmath>
#include <cstddef>

#include <pretext/kernels/cpu/exponential.hpp>
#include <pretext/kernels/cpu/lanes.hpp>

// What attention does to its rows of scores; written for `vectorised`.
namespace pretext::kernels::detail {

/// Rows of scores are padded to a multiple of this.
template <class T>
inline constexpr std::size_t score_lanes = 64 / sizeof(T);

/// Turns a row of `count` scores in `padded` places into softmax(scale·s), the largest subtracted; returns
/// the logarithm of Σ exp(scale·s).
template <class T>
T softmax_row(T* s, std::size_t count, std::size_t padded, T scale) {
  const T largest = scale * lane_maximum(count, s);
  for (std::size_t j = count; j < padded; ++j) s[j] = T{0};
  // The exponential makes 0 of a NaN; what this sum makes of one goes on with the row.
  const T poison = lane_sum<T>(count, [=](std::size_t j) { return s[j] - s[j]; });
  for (std::size_t j = 0; j < padded; ++j) s[j] = scale * s[j];
  for (std::size_t j = 0; j < padded; j += score_lanes<T>)
    negative_exponentials<score_lanes<T>>(
        s + j, [=](std::size_t) { return largest; }, s + j);
  const T sum = lane_sum<T>(count, [=](std::size_t j) { return s[j]; }) + poison;
  const T share = T{1} / sum;
  for (std::size_t j = 0; j < padded; ++j) s[j] *= share;
  return largest + std::log(sum);
}

/// From scores and the gradient of their probabilities to probabilities p, in place of s, and the gradient of
/// the scores scale·p·(dp - dot), in place of dp, where dot = Σ p·dp.
template <class T>
void softmax_row_backward(T* s, T* dp, std::size_t count, std::size_t padded, T scale, T log_sum, T dot) {
  for (std::size_t j = count; j < padded; ++j) s[j] = dp[j] = T{0};
  for (std::size_t j = 0; j < padded; ++j) s[j] = scale * s[j];
  for (std::size_t j = 0; j < padded; j += score_lanes<T>)
    negative_exponentials<score_lanes<T>>(
        s + j, [=](std::size_t) { return log_sum; }, s + j);
  for (std::size_t j = 0; j < padded; ++j) dp[j] = scale * s[j] * (dp[j] - dot);
}

}  // namespace pretext::kernels::detail
