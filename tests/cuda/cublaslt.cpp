// What cuBLASLt is asked for, and what becomes of its answers: a played library has only the algorithms that
// a test lets it have.
#include <doctest/doctest.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <set>
#include <vector>

#include <pretext/kernels/gpu/gemm/cublaslt.cuh>
#include <pretext/kernels/gpu/linear.hpp>

#include "emulated.hpp"
#include "mock_cublaslt.hpp"
#include "support/gradient_check.hpp"

using namespace pretext;
using tests::mock;

// The played device's memory is the host's, and work is done at once.
const void* pretext::tests::read_by_library(const void* memory, std::size_t) { return memory; }
void* pretext::tests::written_by_library(void* memory, std::size_t) { return memory; }
void pretext::tests::done_by_library(cudaStream_t, std::function<void()> work) { work(); }
void pretext::tests::refused_by_library(const char* what) { FAIL_CHECK(what); }

extern "C" {
cudaError_t cudaMalloc(void** memory, std::size_t) {
  *memory = nullptr;
  return cudaSuccess;
}
cudaError_t cudaFree(void*) { return cudaSuccess; }
}

namespace {

/// A place whose kernels are played as in other tests, and whose products are asked of the library above.
struct asking {
  struct with_library : tests::emulated::stream {
    std::shared_ptr<pretext::detail::matrix_products> made =
        std::make_shared<pretext::detail::matrix_products>();
    pretext::detail::matrix_products& products() const { return *made; }
    cudaStream_t native() const { return nullptr; }
    ~with_library() { made->close(); }
  };
  using device = tests::emulated;
  using numerics = fp32;
  using activation = float;
  using weight = float;
  with_library stream;
  arena<device> workspace;
};

constexpr kernels::linear_extents e{12, 24, 16};

struct example {
  std::vector<float> x = numbers(e.rows * e.in, 1), w = numbers(e.in * e.out, 2), bias = numbers(e.out, 3),
                     beside = numbers(e.rows * e.out, 4), dy = numbers(e.rows * e.out, 5),
                     y = std::vector<float>(e.rows * e.out, std::numeric_limits<float>::quiet_NaN()),
                     dw = numbers(w.size(), 6), dbias = numbers(e.out, 7);

  static std::vector<float> numbers(std::size_t count, unsigned seed) {
    const auto drawn = tests::normal_numbers(count, seed);
    return {drawn.begin(), drawn.end()};
  }

  template <class Device, class Context>
  void run(Context& context, bool biased = true, bool summed = true) {
    using linear = kernels::linear<Device>;
    const float* const constant = biased ? bias.data() : nullptr;
    linear::forward(
        context, e, x.data(), w.data(),
        kernels::linear_epilogue<float>{
            .bias = constant, .shortcut = summed ? beside.data() : nullptr, .rounded_bias = constant},
        y.data());
    linear::backward_weights(context, e, x.data(), dy.data(), dw.data(), biased ? dbias.data() : nullptr);
  }
};

/// A library with these abilities helps to what loops give.
void comes_out_right(const tests::mock_products& what, bool biased = true, bool summed = true) {
  mock = what;
  asking context;
  example found, expected;
  found.run<cuda>(context, biased, summed);
  for (std::size_t r = 0; r < e.rows; ++r)
    for (std::size_t o = 0; o < e.out; ++o) {
      double sum = (summed ? expected.beside[r * e.out + o] : 0) + (biased ? expected.bias[o] : 0);
      const double d = expected.dy[r * e.out + o];
      for (std::size_t i = 0; i < e.in; ++i) {
        sum += double(expected.x[r * e.in + i]) * expected.w[o * e.in + i];
        expected.dw[o * e.in + i] += static_cast<float>(d * expected.x[r * e.in + i]);
      }
      expected.y[r * e.out + o] = static_cast<float>(sum);
      if (biased) expected.dbias[o] += static_cast<float>(d);
    }
  const auto same = [](const std::vector<float>& a, const std::vector<float>& b) {
    for (std::size_t i = 0; i < a.size(); ++i) CHECK(std::abs(a[i] - b[i]) < 1e-4);
  };
  same(found.y, expected.y);
  same(found.dw, expected.dw);
  same(found.dbias, expected.dbias);
}

using ends = std::vector<cublasLtEpilogue_t>;
constexpr auto none = CUBLASLT_EPILOGUE_DEFAULT, add = CUBLASLT_EPILOGUE_BIAS,
               sums = CUBLASLT_EPILOGUE_BGRADB;

}  // namespace

TEST_CASE("a linear layer's bias, its residual sum and its bias's gradient are ends of its products") {
  comes_out_right({});
  CHECK(mock.run == ends{add, sums});
  comes_out_right({}, true, false);
  CHECK(mock.run == ends{add, sums});
  comes_out_right({}, false, true);  // the sum is what beta is for
  CHECK(mock.run == ends{none, none});
  comes_out_right({}, false, false);
  CHECK(mock.run == ends{none, none});
}
TEST_CASE("what the library has no algorithm for is a product and a pass") {
  comes_out_right({.ends = {none, sums}});
  CHECK(mock.run == ends{none, sums});
  comes_out_right({.ends = {none, add}});
  CHECK(mock.run == ends{add, none});
  comes_out_right({.second_thoughts = true});
  CHECK(mock.run == ends{none, none});
  comes_out_right({.ends = {}});  // our own tiles
  CHECK(mock.run == ends{});
}
TEST_CASE("an end that leaves the GPU idle is not taken") {
  comes_out_right({.waves = 0.3f});
  CHECK(mock.run == ends{none, none});
  comes_out_right({.waves = 0.75f});
  CHECK(mock.run == ends{add, sums});
}
TEST_CASE("an algorithm is chosen once, for any addresses that are equally aligned") {
  mock = {};
  asking context;
  for (int again = 0; again < 3; ++again) example{}.run<cuda>(context);
  CHECK(mock.chosen == ends{add, none, sums, none});
  CHECK(mock.alignments == std::vector<std::uintptr_t>(4, 16));
  example odd;
  odd.bias.insert(odd.bias.begin(), 0);
  kernels::linear<cuda>::forward(
      context, e, odd.x.data(), odd.w.data(),
      kernels::linear_epilogue<float>{
          .bias = odd.bias.data() + 1, .shortcut = odd.beside.data(), .rounded_bias = odd.bias.data() + 1},
      odd.y.data());
  CHECK(mock.chosen.size() == 6);
  CHECK(mock.alignments.back() == 4);
}
