#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <pretext/core/random.hpp>
#include <pretext/kernels/convolution.hpp>

namespace pretext::tests {

/// Pseudo-random values in [-1, 1).
template <class T>
std::vector<T> random_values(std::size_t count, std::uint64_t seed) {
  std::vector<T> result(count);
  for (std::size_t i = 0; i < count; ++i)
    result[i] = static_cast<T>(random_key{.seed = seed, .sample = i}.word(0) / 2147483648.0 - 1);
  return result;
}

/// Calls `term(x, w, y)` with the indices of every product y[b,r,c,k] += x[b,r·s+i-p,c·s+j-p,h]·w[i,j,h,k],
/// the definition of a convolution.
template <class Term>
void for_each_term(const kernels::convolution_extents& e, std::size_t batch, const Term& term) {
  for (std::size_t b = 0; b < batch; ++b)
    for (std::size_t r = 0; r < e.out_height(); ++r)
      for (std::size_t c = 0; c < e.out_width(); ++c)
        for (std::size_t i = 0; i < e.rows; ++i)
          for (std::size_t j = 0; j < e.columns; ++j) {
            const std::size_t row = r * e.stride + i - e.padding, column = c * e.stride + j - e.padding;
            if (row >= e.height || column >= e.width) continue;
            for (std::size_t h = 0; h < e.in; ++h)
              for (std::size_t k = 0; k < e.out; ++k)
                term(((b * e.height + row) * e.width + column) * e.in + h,
                     ((i * e.columns + j) * e.in + h) * e.out + k,
                     ((b * e.out_height() + r) * e.out_width() + c) * e.out + k);
          }
}

/// The results of one convolution, forward and both gradients.
template <class T>
struct convolution_results {
  std::vector<T> y, dx, dw;
};

/// The operands of one convolution, and its results by definition in double.
template <class T>
struct convolution_case {
  kernels::convolution_extents e;
  std::size_t batch;
  std::vector<T> x = random_values<T>(batch * e.height * e.width * e.in, 1);
  std::vector<T> w = random_values<T>(e.weights(), 2);
  std::vector<T> dy = random_values<T>(batch * e.out_height() * e.out_width() * e.out, 3);

  convolution_results<double> definition() const {
    convolution_results<double> result{std::vector<double>(dy.size()), std::vector<double>(x.size()),
                                       std::vector<double>(w.size())};
    for_each_term(e, batch, [&](std::size_t from, std::size_t weight, std::size_t to) {
      result.y[to] += double(x[from]) * double(w[weight]);
      result.dx[from] += double(dy[to]) * double(w[weight]);
      result.dw[weight] += double(dy[to]) * double(x[from]);
    });
    return result;
  }
};

/// ‖a - b‖ / ‖b‖.
template <class T>
double relative_error(const std::vector<T>& a, const std::vector<double>& b) {
  double difference = 0, norm = 0;
  for (std::size_t i = 0; i < b.size(); ++i) {
    difference += (double(a[i]) - b[i]) * (double(a[i]) - b[i]);
    norm += b[i] * b[i];
  }
  return std::sqrt(difference / norm);
}

/// The largest difference divided by the largest value.
template <class T>
double largest_error(const std::vector<T>& a, const std::vector<double>& b) {
  double difference = 0, largest = 0;
  for (std::size_t i = 0; i < b.size(); ++i) {
    difference = std::max(difference, std::abs(double(a[i]) - b[i]));
    largest = std::max(largest, std::abs(b[i]));
  }
  return difference / largest;
}

}  // namespace pretext::tests
