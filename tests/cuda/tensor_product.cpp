// Numbers so small and whole that every order of a sum gives the same: an index gone wrong shows in every
// digit.
#include <doctest/doctest.h>

#include <cmath>
#include <cstddef>
#include <random>
#include <vector>

#include <pretext/kernels/cuda/operations.hpp>
#include <pretext/kernels/cuda/tensor_product.hpp>

#include "emulated.hpp"

using namespace pretext;
using namespace pretext::tests;
using extents = kernels::convolution_extents;

namespace {

std::vector<bfloat16> whole_numbers(std::size_t count, unsigned seed) {
  std::mt19937 random{seed};
  std::uniform_int_distribution<int> draw{-2, 2};
  std::vector<bfloat16> all(count);
  for (bfloat16& x : all) x = bfloat16{static_cast<float>(draw(random))};
  return all;
}

std::size_t images(const extents& e) { return e.height * e.width * e.in; }
std::size_t results(const extents& e) { return e.out_height() * e.out_width() * e.out; }

/// `visit(pixel, weight, result)`: the three indices of every multiplication that a convolution makes.
template <class Visit>
void each_multiplication(const extents& e, std::size_t batch, const Visit& visit) {
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

template <class T>
std::vector<float> as_float(const std::vector<T>& numbers) {
  std::vector<float> all;
  for (const T& x : numbers) all.push_back(static_cast<float>(x));
  return all;
}
std::vector<float> rounded(const std::vector<float>& numbers) {
  std::vector<bfloat16> all;
  for (const float x : numbers) all.emplace_back(x);
  return as_float(all);
}

void is_exact(const extents& e, std::size_t batch, bool backwards) {
  on<emulated, bf16> place{.stream = {.backwards = backwards}};
  using convolution = grid::own_convolution<emulated>;
  const auto x = whole_numbers(batch * images(e), 1), w = whole_numbers(e.weights(), 2),
             dy = whole_numbers(batch * results(e), 3);
  const bfloat16 none = static_cast<bfloat16>(NAN);
  std::vector<bfloat16> y(dy.size(), none), dx(x.size(), none), dx_more = x;
  std::vector<float> dw(w.size(), 5);
  convolution::forward(place, e, batch, x.data(), w.data(), y.data());
  convolution::backward_data(place, e, batch, dy.data(), w.data(), dx.data(), kernels::into::overwrite);
  convolution::backward_data(place, e, batch, dy.data(), w.data(), dx_more.data(), kernels::into::accumulate);
  convolution::backward_weights(place, e, batch, x.data(), dy.data(), dw.data());

  std::vector<float> y_exact(dy.size()), dx_exact(x.size()), dx_more_exact = as_float(x),
                                                             dw_exact(w.size(), 5);
  each_multiplication(e, batch, [&](std::size_t pixel, std::size_t weight, std::size_t result) {
    const auto image = static_cast<float>(x[pixel]), filter = static_cast<float>(w[weight]),
               slope = static_cast<float>(dy[result]);
    y_exact[result] += image * filter;
    dx_exact[pixel] += slope * filter;
    dx_more_exact[pixel] += slope * filter;
    dw_exact[weight] += image * slope;
  });
  CHECK(as_float(y) == rounded(y_exact));
  CHECK(as_float(dx) == rounded(dx_exact));
  CHECK(as_float(dx_more) == rounded(dx_more_exact));
  CHECK(dw == dw_exact);
}

}  // namespace

TEST_CASE("convolutions on tensor cores are exact where sums are") {
  for (const extents e :
       {extents{9, 8, 72, 136, 3, 3, 1, 1},   // whole lanes, three tiles across, sums in parts
        extents{16, 12, 8, 24, 3, 3, 1, 1},   // a gradient of weights in parts
        extents{16, 13, 3, 64, 7, 7, 2, 3},   // colours
        extents{17, 12, 12, 20, 3, 3, 2, 1},  // half of 16 bytes
        extents{11, 11, 16, 9, 3, 3, 2, 1},   // images in whole lanes, results not
        extents{10, 9, 7, 16, 2, 5, 1, 2},    // the other way round
        extents{12, 12, 16, 72, 1, 1, 2, 0},  // pixels that no result saw
        extents{7, 9, 8, 264, 3, 3, 2, 1},    // a gradient of data in parts
        extents{11, 8, 12, 16, 4, 5, 3, 2},   // uneven remainders
        extents{2, 9, 8, 8, 3, 3, 3, 1},      // fewer lines than remainders
        extents{9, 9, 8, 16, 2, 2, 3, 0}})    // taps for some remainders, none for others
    for (const bool backwards : {false, true}) {
      CAPTURE(e.in);
      CAPTURE(e.out);
      is_exact(e, 4, backwards);
    }
}

TEST_CASE("what lies at odd addresses is multiplied number by number") {
  const extents e{6, 6, 8, 16, 3, 3, 1, 1};
  on<emulated, bf16> place;
  using convolution = grid::own_convolution<emulated>;
  const auto x = whole_numbers(images(e) + 1, 1), w = whole_numbers(e.weights() + 1, 2);
  std::vector<bfloat16> y(results(e) + 1);
  convolution::forward(place, e, 1, &x[1], &w[1], &y[1]);
  std::vector<float> exact(y.size());
  each_multiplication(e, 1, [&](std::size_t pixel, std::size_t weight, std::size_t result) {
    exact[result + 1] += static_cast<float>(x[pixel + 1]) * static_cast<float>(w[weight + 1]);
  });
  CHECK(as_float(y) == rounded(exact));
}

TEST_CASE("rows of results that end in half of eight leave alone what follows them") {
  constexpr std::size_t m = 5, n = 12, k = 8, beyond = 8;
  const auto a = whole_numbers(m * k, 1), b = whole_numbers(k * n, 2);
  for (const bool backwards : {false, true}) {
    on<emulated, bf16> place{.stream = {.backwards = backwards}};
    std::vector<float> c(m * n + beyond, 7), exact = c;
    for (std::size_t row = 0; row < m; ++row)
      for (std::size_t column = 0; column < n; ++column) {
        float& sum = exact[row * n + column] = 0;
        for (std::size_t i = 0; i < k; ++i)
          sum += static_cast<float>(a[row * k + i]) * static_cast<float>(b[i * n + column]);
      }
    grid::multiply_factors(place, {m, n, k}, grid::matrix<bfloat16>{a.data(), k},
                           grid::matrix<bfloat16>{b.data(), n}, c.data(), kernels::into::overwrite);
    CHECK(c == exact);
  }
}

TEST_CASE("a sum without terms is nothing, or what was there") {
  on<emulated, bf16> place;
  const grid::matrix<bfloat16> none{nullptr, 0};
  std::vector<float> c(12, 7);
  grid::multiply_factors(place, {3, 4, 0}, none, none, c.data(), kernels::into::accumulate);
  CHECK(c == std::vector<float>(12, 7));
  grid::multiply_factors(place, {3, 4, 0}, none, none, c.data(), kernels::into::overwrite);
  CHECK(c == std::vector<float>(12, 0));
}
