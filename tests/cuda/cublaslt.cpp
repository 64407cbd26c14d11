// Which products are requested from cuBLASLt and how its answers are used; the mock has only the algorithms
// that a test allows.
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

#include "cuda/ptx/gpu.hpp"
#include "emulated.hpp"
#include "mock_cublaslt.hpp"
#include "support/gradient_check.hpp"

using namespace pretext;
using tests::mock;

// The emulated device uses host memory and runs work immediately.
const void* pretext::tests::library_input(const void* memory, std::size_t) { return memory; }
void* pretext::tests::library_output(void* memory, std::size_t) { return memory; }
void pretext::tests::enqueue_library_work(cudaStream_t, const char*, const ptx::library_work&,
                                          std::function<void()> work) {
  work();
}
void pretext::tests::library_error(const char* what) { FAIL_CHECK(what); }

namespace {

/// A context whose kernels are emulated and whose products go to the mock library.
struct cublaslt_context {
  struct stream_with_library : tests::emulated::stream {
    gpu_plans plans_;
    std::shared_ptr<pretext::detail::matrix_products> products_ =
        std::make_shared<pretext::detail::matrix_products>(plans_);
    pretext::detail::matrix_products& products() const { return *products_; }
    cudaStream_t native() const { return nullptr; }
    ~stream_with_library() { products_->close(); }
  };
  using device = tests::emulated;
  using numerics = fp32;
  using activation = float;
  using weight = float;
  stream_with_library stream;
  arena<device> workspace;
};

constexpr kernels::linear_extents e{12, 24, 16};

struct example {
  std::vector<float> x = random_floats(e.rows * e.in, 1), w = random_floats(e.in * e.out, 2),
                     bias = random_floats(e.out, 3), addend = random_floats(e.rows * e.out, 4),
                     dy = random_floats(e.rows * e.out, 5),
                     y = std::vector<float>(e.rows * e.out, std::numeric_limits<float>::quiet_NaN()),
                     dw = random_floats(w.size(), 6), dbias = random_floats(e.out, 7);

  static std::vector<float> random_floats(std::size_t count, unsigned seed) {
    const auto values = tests::normal_numbers(count, seed);
    return {values.begin(), values.end()};
  }

  template <class Device, class Context>
  void run(Context& context, bool biased = true, bool summed = true) {
    using linear = kernels::linear<Device>;
    const float* const constant = biased ? bias.data() : nullptr;
    linear::forward(
        context, e, x.data(), w.data(),
        kernels::linear_epilogue<float>{
            .bias = constant, .shortcut = summed ? addend.data() : nullptr, .rounded_bias = constant},
        y.data());
    linear::backward_weights(context, e, x.data(), dy.data(), dw.data(), biased ? dbias.data() : nullptr);
  }
};

/// With a library of these abilities the results equal plain loops.
void check_linear_layer(const tests::mock_products& what, bool biased = true, bool summed = true) {
  mock = what;
  cublaslt_context context;
  example found, expected;
  found.run<cuda_gpu>(context, biased, summed);
  for (std::size_t r = 0; r < e.rows; ++r)
    for (std::size_t o = 0; o < e.out; ++o) {
      double sum = (summed ? expected.addend[r * e.out + o] : 0) + (biased ? expected.bias[o] : 0);
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

using epilogues = std::vector<cublasLtEpilogue_t>;
constexpr auto none = CUBLASLT_EPILOGUE_DEFAULT, add = CUBLASLT_EPILOGUE_BIAS,
               sums = CUBLASLT_EPILOGUE_BGRADB;

}  // namespace

TEST_CASE("a linear layer's bias, its residual sum and its bias's gradient run as epilogues") {
  check_linear_layer({});
  CHECK(mock.run == epilogues{add, sums});
  check_linear_layer({}, true, false);
  CHECK(mock.run == epilogues{add, sums});
  check_linear_layer({}, false, true);  // beta adds the shortcut
  CHECK(mock.run == epilogues{none, none});
  check_linear_layer({}, false, false);
  CHECK(mock.run == epilogues{none, none});
}
TEST_CASE("an epilogue that the library lacks runs as a separate pass") {
  check_linear_layer({.epilogues = {none, sums}});
  CHECK(mock.run == epilogues{none, sums});
  check_linear_layer({.epilogues = {none, add}});
  CHECK(mock.run == epilogues{add, none});
  check_linear_layer({.rejects_epilogues = true});
  CHECK(mock.run == epilogues{none, none});
  check_linear_layer({.epilogues = {}});  // the tiled kernels
  CHECK(mock.run == epilogues{});
}
TEST_CASE("an epilogue whose algorithm leaves the GPU idle is not used") {
  check_linear_layer({.waves = 0.3f});
  CHECK(mock.run == epilogues{none, none});
  check_linear_layer({.waves = 0.75f});
  CHECK(mock.run == epilogues{add, sums});
}
TEST_CASE("an algorithm is chosen once per shape and alignment") {
  mock = {};
  cublaslt_context context;
  for (int again = 0; again < 3; ++again) example{}.run<cuda_gpu>(context);
  CHECK(mock.chosen == epilogues{add, none, sums, none});
  CHECK(mock.alignments == std::vector<std::uintptr_t>(4, 16));
  example odd;
  odd.bias.insert(odd.bias.begin(), 0);
  kernels::linear<cuda_gpu>::forward(
      context, e, odd.x.data(), odd.w.data(),
      kernels::linear_epilogue<float>{
          .bias = odd.bias.data() + 1, .shortcut = odd.addend.data(), .rounded_bias = odd.bias.data() + 1},
      odd.y.data());
  CHECK(mock.chosen.size() == 6);
  CHECK(mock.alignments.back() == 4);
}
TEST_CASE(
    "a GPU without memory for the library's workspace is one without memory for a batch, and later products "
    "try again") {
  mock = {};
  cublaslt_context context;
  auto& available = tests::ptx::gpu::instance().available;
  available = 0;
  CHECK_THROWS_AS(example{}.run<cuda_gpu>(context), out_of_device_memory);
  CHECK_THROWS_AS(example{}.run<cuda_gpu>(context), out_of_device_memory);
  available = static_cast<std::size_t>(-1);
  CHECK(mock.run.empty());
  example{}.run<cuda_gpu>(context);
  CHECK(mock.run == epilogues{add, sums});
}
