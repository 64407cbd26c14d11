// What cuBLASLt is asked for, and what becomes of its answers: a library played here, in its own terms and in
// the order of its numbers, that has only the algorithms that a test lets it have.
#include <doctest/doctest.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <set>
#include <vector>

#include <pretext/kernels/cuda/linear.hpp>
#include <pretext/kernels/cuda/matrix_products.cuh>

#include "../gradient_check.hpp"
#include "emulated.hpp"

using namespace pretext;

namespace {

/// Of one product, as it was described; and of the address of a bias, how far it was aligned then.
struct played_product {
  cublasOperation_t a = CUBLAS_OP_N, b = CUBLAS_OP_N;
  cublasLtEpilogue_t end = CUBLASLT_EPILOGUE_DEFAULT;
  float* column = nullptr;
};
struct played_layout {
  std::uint64_t rows, columns;
  std::int64_t step;
};

/// What the library can do, and what it was asked.
struct library {
  std::set<cublasLtEpilogue_t> ends{CUBLASLT_EPILOGUE_DEFAULT, CUBLASLT_EPILOGUE_BIAS,
                                    CUBLASLT_EPILOGUE_BGRADB};
  float waves = 1;  ///< of algorithms with an ending; others fill the GPU 0.8 times
  bool second_thoughts = false;
  std::vector<cublasLtEpilogue_t> chosen{}, run{};
  std::vector<std::uintptr_t> alignments{};
};
library played;

played_product& of(cublasLtMatmulDesc_t description) {
  return *reinterpret_cast<played_product*>(description);
}
const played_layout& of(cublasLtMatrixLayout_t layout) { return *reinterpret_cast<played_layout*>(layout); }

}  // namespace

extern "C" {

cudaError_t cudaMalloc(void** memory, std::size_t) {
  *memory = nullptr;
  return cudaSuccess;
}
cudaError_t cudaFree(void*) { return cudaSuccess; }
const char* cublasLtGetStatusString(cublasStatus_t) { return "what a test said"; }
cublasStatus_t cublasLtCreate(cublasLtHandle_t* handle) {
  static int any;
  *handle = reinterpret_cast<cublasLtHandle_t>(&any);
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtDestroy(cublasLtHandle_t) { return CUBLAS_STATUS_SUCCESS; }
cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t* made, cublasComputeType_t, cudaDataType_t) {
  *made = reinterpret_cast<cublasLtMatmulDesc_t>(new played_product);
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t made) {
  delete &of(made);
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t to, cublasLtMatmulDescAttributes_t what,
                                              const void* value, std::size_t size) {
  const auto set = [&](auto& member) {
    CHECK(size == sizeof member);
    std::memcpy(&member, value, sizeof member);
  };
  played_product& product = of(to);
  if (what == CUBLASLT_MATMUL_DESC_TRANSA) set(product.a);
  if (what == CUBLASLT_MATMUL_DESC_TRANSB) set(product.b);
  if (what == CUBLASLT_MATMUL_DESC_EPILOGUE) set(product.end);
  if (what == CUBLASLT_MATMUL_DESC_BIAS_POINTER) set(product.column);
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t* made, cudaDataType, std::uint64_t rows,
                                          std::uint64_t columns, std::int64_t step) {
  *made = reinterpret_cast<cublasLtMatrixLayout_t>(new played_layout{rows, columns, step});
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t made) {
  delete &of(made);
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t* made) {
  *made = nullptr;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t) { return CUBLAS_STATUS_SUCCESS; }
cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t,
                                                    cublasLtMatmulPreferenceAttributes_t what,
                                                    const void* value, std::size_t) {
  std::uint32_t bytes;
  if (what == CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES) {
    std::memcpy(&bytes, value, sizeof bytes);
    played.alignments.push_back(bytes);
  }
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t, cublasLtMatmulDesc_t product,
                                              cublasLtMatrixLayout_t, cublasLtMatrixLayout_t,
                                              cublasLtMatrixLayout_t, cublasLtMatrixLayout_t,
                                              cublasLtMatmulPreference_t, int,
                                              cublasLtMatmulHeuristicResult_t* best, int* found) {
  const cublasLtEpilogue_t end = of(product).end;
  played.chosen.push_back(end);
  if (end != CUBLASLT_EPILOGUE_DEFAULT)  // taken for a bias as aligned as all the rest
    CHECK(reinterpret_cast<std::uintptr_t>(of(product).column) == played.alignments.back());
  if (!played.ends.contains(end)) {
    *found = 0;
    return end == CUBLASLT_EPILOGUE_DEFAULT ? CUBLAS_STATUS_NOT_SUPPORTED : CUBLAS_STATUS_INVALID_VALUE;
  }
  *found = 1;
  best->state = CUBLAS_STATUS_SUCCESS;
  best->wavesCount = end == CUBLASLT_EPILOGUE_DEFAULT ? 0.8f : played.waves;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmul(cublasLtHandle_t, cublasLtMatmulDesc_t description, const void*, const void* a,
                              cublasLtMatrixLayout_t a_layout, const void* b, cublasLtMatrixLayout_t b_layout,
                              const void* beta, const void* c, cublasLtMatrixLayout_t, void* d,
                              cublasLtMatrixLayout_t d_layout, const cublasLtMatmulAlgo_t*, void*,
                              std::size_t, cudaStream_t) {
  const played_product product = of(description);
  const auto entry = [](const void* matrix, cublasLtMatrixLayout_t layout, cublasOperation_t turn,
                        std::size_t row, std::size_t column) {
    const auto step = static_cast<std::size_t>(of(layout).step);
    return static_cast<const float*>(matrix)[turn == CUBLAS_OP_T ? row * step + column : column * step + row];
  };
  if (played.second_thoughts && product.end != CUBLASLT_EPILOGUE_DEFAULT) return CUBLAS_STATUS_NOT_SUPPORTED;
  played.run.push_back(product.end);
  const std::size_t m = of(d_layout).rows, n = of(d_layout).columns;
  const std::size_t k = product.a == CUBLAS_OP_T ? of(a_layout).rows : of(a_layout).columns;
  CHECK(k == (product.b == CUBLAS_OP_T ? of(b_layout).columns : of(b_layout).rows));
  for (std::size_t j = 0; j < n; ++j) {
    if (product.end == CUBLASLT_EPILOGUE_BGRADB) product.column[j] = 0;
    for (std::size_t l = 0; product.end == CUBLASLT_EPILOGUE_BGRADB && l < k; ++l)
      product.column[j] += entry(b, b_layout, product.b, l, j);
    for (std::size_t i = 0; i < m; ++i) {
      float sum = *static_cast<const float*>(beta) == 0 ? 0 : entry(c, d_layout, CUBLAS_OP_N, i, j);
      for (std::size_t l = 0; l < k; ++l)
        sum += entry(a, a_layout, product.a, i, l) * entry(b, b_layout, product.b, l, j);
      if (product.end == CUBLASLT_EPILOGUE_BIAS) sum += product.column[i];
      static_cast<float*>(d)[j * m + i] = sum;
    }
  }
  return CUBLAS_STATUS_SUCCESS;
}

}  // extern "C"

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
  arena<device> scratch;
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

  template <class Device, class Place>
  void run(Place& place, bool biased = true, bool summed = true) {
    using linear = kernels::linear<Device>;
    const float* const constant = biased ? bias.data() : nullptr;
    linear::forward(
        place, e, x.data(), w.data(),
        kernels::linear_sum<float>{
            .bias = constant, .shortcut = summed ? beside.data() : nullptr, .rounded_bias = constant},
        y.data());
    linear::backward_weights(place, e, x.data(), dy.data(), dw.data(), biased ? dbias.data() : nullptr);
  }
};

/// A library with these abilities helps to what loops give.
void comes_out_right(const library& what, bool biased = true, bool summed = true) {
  played = what;
  asking place;
  example found, expected;
  found.run<cuda>(place, biased, summed);
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
  CHECK(played.run == ends{add, sums});
  comes_out_right({}, true, false);
  CHECK(played.run == ends{add, sums});
  comes_out_right({}, false, true);  // the sum is what beta is for
  CHECK(played.run == ends{none, none});
  comes_out_right({}, false, false);
  CHECK(played.run == ends{none, none});
}
TEST_CASE("what the library has no algorithm for is a product and a pass") {
  comes_out_right({.ends = {none, sums}});
  CHECK(played.run == ends{none, sums});
  comes_out_right({.ends = {none, add}});
  CHECK(played.run == ends{add, none});
  comes_out_right({.second_thoughts = true});
  CHECK(played.run == ends{none, none});
  comes_out_right({.ends = {}});  // our own tiles
  CHECK(played.run == ends{});
}
TEST_CASE("an end that leaves the GPU idle is not taken") {
  comes_out_right({.waves = 0.3f});
  CHECK(played.run == ends{none, none});
  comes_out_right({.waves = 0.75f});
  CHECK(played.run == ends{add, sums});
}
TEST_CASE("an algorithm is chosen once, for any addresses that are equally aligned") {
  played = {};
  asking place;
  for (int again = 0; again < 3; ++again) example{}.run<cuda>(place);
  CHECK(played.chosen == ends{add, none, sums, none});
  CHECK(played.alignments == std::vector<std::uintptr_t>(4, 16));
  example odd;
  odd.bias.insert(odd.bias.begin(), 0);
  kernels::linear<cuda>::forward(
      place, e, odd.x.data(), odd.w.data(),
      kernels::linear_sum<float>{
          .bias = odd.bias.data() + 1, .shortcut = odd.beside.data(), .rounded_bias = odd.bias.data() + 1},
      odd.y.data());
  CHECK(played.chosen.size() == 6);
  CHECK(played.alignments.back() == 4);
}
