#pragma once
// Small integers, of which sums in any order are exact: a wrong index changes the result visibly.
#include <cmath>
#include <cstddef>
#include <random>
#include <vector>

#include <pretext/kernels/gpu/gemm/tensor_product.hpp>
#include <pretext/kernels/gpu/operations.hpp>

#include "device_pair.hpp"

namespace pretext::tests {

using extents = kernels::convolution_extents;

inline std::vector<bfloat16> small_integers(std::size_t count, unsigned seed) {
  std::mt19937 random{seed};
  std::uniform_int_distribution<int> draw{-2, 2};
  std::vector<bfloat16> all(count);
  for (bfloat16& x : all) x = bfloat16{static_cast<float>(draw(random))};
  return all;
}

inline std::size_t images(const extents& e) { return e.height * e.width * e.in; }
inline std::size_t results_of(const extents& e) { return e.out_height() * e.out_width() * e.out; }

/// visit(pixel, weight, result) with the indices of every multiplication of a convolution.
template <class Visit>
void for_each_multiplication(const extents& e, std::size_t batch, const Visit& visit) {
  for (std::size_t b = 0; b < batch; ++b)
    for (std::size_t p = 0; p < e.out_height(); ++p)
      for (std::size_t q = 0; q < e.out_width(); ++q)
        for (std::size_t i = 0; i < e.rows; ++i)
          for (std::size_t j = 0; j < e.columns; ++j) {
            const std::size_t h = p * e.stride + i - e.padding, w = q * e.stride + j - e.padding;
            if (h >= e.height || w >= e.width) continue;
            for (std::size_t c = 0; c < e.in; ++c)
              for (std::size_t o = 0; o < e.out; ++o)
                visit(((b * e.height + h) * e.width + w) * e.in + c,
                      ((i * e.columns + j) * e.in + c) * e.out + o,
                      ((b * e.out_height() + p) * e.out_width() + q) * e.out + o);
          }
}

/// Results must equal the expected values, rounded once if they are stored as bfloat16.
inline void check_exact(const results& found, const std::vector<std::vector<float>>& expected) {
  REQUIRE(found.size() == expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    CAPTURE(i);
    CHECK(found[i] == std::vector<double>(expected[i].begin(), expected[i].end()));
  }
}
inline std::vector<float> as_bfloat16(const std::vector<float>& exact) {
  std::vector<float> all;
  for (const float x : exact) all.push_back(static_cast<float>(bfloat16{x}));
  return all;
}

/// A convolution and its gradients, in both write modes.
template <class Context>
void exact_convolution(workbench<Context>& at, const extents& e, std::size_t batch) {
  using convolution = grid::implicit_gemm<typename Context::device>;
  const auto x = small_integers(batch * images(e), 1), w = small_integers(e.weights(), 2),
             dy = small_integers(batch * results_of(e), 3);
  const bfloat16 *const input = at.in(x), *const filters = at.in(w), *const output_gradients = at.in(dy);
  convolution::forward(at.context, e, batch, input, filters, at.out(dy.size()));
  convolution::backward_data(at.context, e, batch, output_gradients, filters, at.out(x.size()),
                             kernels::write_mode::overwrite);
  convolution::backward_data(at.context, e, batch, output_gradients, filters, at.out(x),
                             kernels::write_mode::accumulate);
  convolution::backward_weights(at.context, e, batch, input, output_gradients,
                                at.out(std::vector<float>(w.size(), 5)));

  std::vector<float> y(dy.size()), dx(x.size()), dx_accumulated, dw(w.size(), 5);
  for (const bfloat16 pixel : x) dx_accumulated.push_back(static_cast<float>(pixel));
  for_each_multiplication(e, batch, [&](std::size_t pixel, std::size_t weight, std::size_t result) {
    const auto image = static_cast<float>(x[pixel]), filter = static_cast<float>(w[weight]),
               gradient = static_cast<float>(dy[result]);
    y[result] += image * filter;
    dx[pixel] += gradient * filter;
    dx_accumulated[pixel] += gradient * filter;
    dw[weight] += image * gradient;
  });
  check_exact(at.results(), {as_bfloat16(y), as_bfloat16(dx), as_bfloat16(dx_accumulated), dw});
}

template <class Context>
void exact_convolutions(const typename Context::device::stream& stream = {}) {
  for (const extents e : {extents{9, 8, 72, 136, 3, 3, 1, 1},  // aligned rows, three tiles across, split sums
                          extents{16, 12, 8, 24, 3, 3, 1, 1},  // a split weight gradient
                          extents{16, 13, 3, 64, 7, 7, 2, 3},  // RGB input
                          extents{17, 12, 12, 20, 3, 3, 2, 1},  // rows aligned to 8 bytes only
                          extents{11, 11, 16, 9, 3, 3, 2, 1},   // aligned inputs, unaligned outputs
                          extents{10, 9, 7, 16, 2, 5, 1, 2},    // the other way round
                          extents{12, 12, 16, 72, 1, 1, 2, 0},  // pixels that no output read
                          extents{7, 9, 8, 264, 3, 3, 2, 1},    // a split data gradient
                          extents{11, 8, 12, 16, 4, 5, 3, 2},   // phases of different size
                          extents{2, 9, 8, 8, 3, 3, 3, 1},      // fewer rows than phases
                          extents{9, 9, 8, 16, 2, 2, 3, 0}}) {  // phases with and without taps
    CAPTURE(e.in);
    CAPTURE(e.out);
    workbench<Context> at;
    at.context.stream = stream;
    exact_convolution(at, e, 4);
  }
}

/// The result's last rows are followed by memory that the kernel must not write.
template <class Context>
void rows_ending_in_half_a_vector(const typename Context::device::stream& stream = {}) {
  constexpr std::size_t m = 5, n = 12, k = 8, beyond = 8;
  const auto a = small_integers(m * k, 1), b = small_integers(k * n, 2);
  workbench<Context> at;
  at.context.stream = stream;
  std::vector<float> c(m * n + beyond, 7);
  grid::tensor_multiply(at.context, {m, n, k}, grid::matrix<bfloat16>{at.in(a), k},
                        grid::matrix<bfloat16>{at.in(b), n}, at.out(c), kernels::write_mode::overwrite);
  for (std::size_t row = 0; row < m; ++row)
    for (std::size_t column = 0; column < n; ++column) {
      float& sum = c[row * n + column] = 0;
      for (std::size_t i = 0; i < k; ++i)
        sum += static_cast<float>(a[row * k + i]) * static_cast<float>(b[i * n + column]);
    }
  check_exact(at.results(), {c});
}

}  // namespace pretext::tests
