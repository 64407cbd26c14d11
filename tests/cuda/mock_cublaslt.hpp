#pragma once
// A mock of cuBLASLt, with column-major matrices and only the algorithms that a test allows. Include it
// once per program.
#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <set>
#include <vector>

#include <cublasLt.h>

#include "mock_library.hpp"
#include "mock_times.hpp"

namespace pretext::tests {

/// What the mock library supports, and the calls that it received.
struct mock_products {
  std::set<cublasLtEpilogue_t> epilogues{CUBLASLT_EPILOGUE_DEFAULT, CUBLASLT_EPILOGUE_BIAS,
                                         CUBLASLT_EPILOGUE_BGRADB};
  float waves = 1;  ///< of algorithms with an epilogue; plain ones have 0.8
  bool rejects_epilogues = false;
  std::vector<cublasLtEpilogue_t> chosen{}, run{};
  std::vector<std::uintptr_t> alignments{};
};
inline mock_products mock;

/// A product as described by the caller. While choosing an algorithm, `column` is the assumed address of
/// the bias, whose alignment counts.
struct mock_product {
  cublasComputeType_t arithmetic;
  cudaDataType_t scale;
  cublasOperation_t a = CUBLAS_OP_N, b = CUBLAS_OP_N;
  cublasLtEpilogue_t epilogue = CUBLASLT_EPILOGUE_DEFAULT;
  void* column = nullptr;
};

/// A column-major matrix.
struct mock_layout {
  cudaDataType_t type;
  std::uint64_t rows, columns;
  std::int64_t stride;

  typed_values values() const { return {type, rows * columns}; }
  double bytes() const { return static_cast<double>(values().bytes()); }
};

namespace detail {
inline mock_product& of(cublasLtMatmulDesc_t description) {
  return *reinterpret_cast<mock_product*>(description);
}
inline const mock_layout& of(cublasLtMatrixLayout_t layout) {
  return *reinterpret_cast<mock_layout*>(layout);
}

/// op(matrix) in row-major order.
inline std::vector<double> op_values(const void* matrix, const mock_layout& layout,
                                     cublasOperation_t transpose, bool in_tf32) {
  const std::vector<double> memory = layout.values().fetch(matrix);
  const std::size_t rows = transpose == CUBLAS_OP_T ? layout.columns : layout.rows;
  const std::size_t columns = transpose == CUBLAS_OP_T ? layout.rows : layout.columns;
  const auto stride = static_cast<std::size_t>(layout.stride);
  std::vector<double> result(rows * columns);
  for (std::size_t r = 0; r < rows; ++r)
    for (std::size_t c = 0; c < columns; ++c) {
      const double exact = memory[transpose == CUBLAS_OP_T ? r * stride + c : c * stride + r];
      const std::uint32_t bits = std::bit_cast<std::uint32_t>(static_cast<float>(exact));
      result[r * columns + c] = in_tf32 ? std::bit_cast<float>((bits + 0x1000) & ~0x1FFFu) : exact;
    }
  return result;
}

inline ptx::library_work size_of(const mock_product& product, const mock_layout& a, const mock_layout& b,
                                 const mock_layout& result, bool accumulate) {
  const std::uint64_t k = product.a == CUBLAS_OP_T ? a.rows : a.columns;
  return {.flops = 2. * static_cast<double>(result.rows * result.columns * k),
          .bytes = a.bytes() + b.bytes() + (accumulate ? 2 : 1) * result.bytes(),
          .contracted = k};
}

inline void multiply(const mock_product& product, const void* a, const mock_layout& a_layout, const void* b,
                     const mock_layout& b_layout, bool accumulate, const void* c, void* d,
                     const mock_layout& layout) {
  const bool in_tf32 = product.arithmetic == CUBLAS_COMPUTE_32F_FAST_TF32 && a_layout.type == CUDA_R_32F;
  const std::vector<double> left = op_values(a, a_layout, product.a, in_tf32),
                            right = op_values(b, b_layout, product.b, in_tf32);
  const std::size_t m = layout.rows, n = layout.columns, k = left.size() / m;
  if (right.size() != k * n) library_error("operands whose extents do not match their product");
  std::vector<double> sums = accumulate ? layout.values().fetch(c) : std::vector<double>(m * n);
  if (product.epilogue == CUBLASLT_EPILOGUE_BIAS) {
    const auto bias = typed_values{layout.type, m}.fetch(product.column);
    for (std::size_t at = 0; at < sums.size(); ++at) sums[at] += bias[at % m];
  }
  for (std::size_t i = 0; i < m; ++i) {
    std::vector<double> row(n);
    for (std::size_t l = 0; l < k; ++l)
      for (std::size_t j = 0; j < n; ++j) row[j] += left[i * k + l] * right[l * n + j];
    for (std::size_t j = 0; j < n; ++j) sums[j * m + i] += row[j];
  }
  layout.values().store(d, sums);
  if (product.epilogue != CUBLASLT_EPILOGUE_BGRADB) return;
  std::vector<double> column_sums(n);
  for (std::size_t l = 0; l < k; ++l)
    for (std::size_t j = 0; j < n; ++j) column_sums[j] += right[l * n + j];
  typed_values{layout.type, n}.store(product.column, column_sums);
}
}  // namespace detail

}  // namespace pretext::tests

extern "C" {

std::size_t cublasLtGetVersion() { return CUBLAS_VERSION; }

const char* cublasLtGetStatusString(cublasStatus_t) { return "set by the test"; }
cublasStatus_t cublasLtCreate(cublasLtHandle_t* handle) {
  static int any;
  *handle = reinterpret_cast<cublasLtHandle_t>(&any);
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtDestroy(cublasLtHandle_t) { return CUBLAS_STATUS_SUCCESS; }
cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t* result, cublasComputeType_t arithmetic,
                                        cudaDataType_t scale) {
  *result = reinterpret_cast<cublasLtMatmulDesc_t>(
      new pretext::tests::mock_product{.arithmetic = arithmetic, .scale = scale});
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t result) {
  delete &pretext::tests::detail::of(result);
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t to, cublasLtMatmulDescAttributes_t what,
                                              const void* value, std::size_t size) {
  const auto set = [&](auto& member) {
    if (size != sizeof member) pretext::tests::library_error("an attribute of the wrong size");
    std::memcpy(&member, value, sizeof member);
  };
  auto& product = pretext::tests::detail::of(to);
  if (what == CUBLASLT_MATMUL_DESC_TRANSA) set(product.a);
  if (what == CUBLASLT_MATMUL_DESC_TRANSB) set(product.b);
  if (what == CUBLASLT_MATMUL_DESC_EPILOGUE) set(product.epilogue);
  if (what == CUBLASLT_MATMUL_DESC_BIAS_POINTER) set(product.column);
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t* result, cudaDataType type,
                                          std::uint64_t rows, std::uint64_t columns, std::int64_t stride) {
  *result =
      reinterpret_cast<cublasLtMatrixLayout_t>(new pretext::tests::mock_layout{type, rows, columns, stride});
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t result) {
  delete &pretext::tests::detail::of(result);
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t* result) {
  *result = nullptr;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t) { return CUBLAS_STATUS_SUCCESS; }
cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t,
                                                    cublasLtMatmulPreferenceAttributes_t what,
                                                    const void* value, std::size_t) {
  std::uint32_t bytes;
  if (what == CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES) {
    std::memcpy(&bytes, value, sizeof bytes);
    pretext::tests::mock.alignments.push_back(bytes);
  }
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t, cublasLtMatmulDesc_t product,
                                              cublasLtMatrixLayout_t, cublasLtMatrixLayout_t,
                                              cublasLtMatrixLayout_t, cublasLtMatrixLayout_t,
                                              cublasLtMatmulPreference_t, int requested_count,
                                              cublasLtMatmulHeuristicResult_t* proposed, int* found) {
  auto& mock = pretext::tests::mock;
  const pretext::tests::mock_product& requested = pretext::tests::detail::of(product);
  mock.chosen.push_back(requested.epilogue);
  if (requested.epilogue != CUBLASLT_EPILOGUE_DEFAULT &&
      reinterpret_cast<std::uintptr_t>(requested.column) != mock.alignments.back())
    pretext::tests::library_error("a bias whose assumed alignment differs from the operands'");
  if (!mock.epilogues.contains(requested.epilogue)) {
    *found = 0;
    return requested.epilogue == CUBLASLT_EPILOGUE_DEFAULT ? CUBLAS_STATUS_NOT_SUPPORTED
                                                           : CUBLAS_STATUS_INVALID_VALUE;
  }
  *found = std::min(requested_count, static_cast<int>(pretext::tests::milliseconds_of.products.size()));
  for (int i = 0; i < *found; ++i) {
    proposed[i].algo.data[0] = static_cast<std::uint64_t>(i);
    proposed[i].state = CUBLAS_STATUS_SUCCESS;
    proposed[i].wavesCount = requested.epilogue == CUBLASLT_EPILOGUE_DEFAULT ? 0.8f : mock.waves;
  }
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmul(cublasLtHandle_t, cublasLtMatmulDesc_t description, const void*, const void* a,
                              cublasLtMatrixLayout_t a_layout, const void* b, cublasLtMatrixLayout_t b_layout,
                              const void* beta, const void* c, cublasLtMatrixLayout_t, void* d,
                              cublasLtMatrixLayout_t d_layout, const cublasLtMatmulAlgo_t* algorithm, void*,
                              std::size_t, cudaStream_t on) {
  using namespace pretext::tests;
  const mock_product product = detail::of(description);
  if (mock.rejects_epilogues && product.epilogue != CUBLASLT_EPILOGUE_DEFAULT)
    return CUBLAS_STATUS_NOT_SUPPORTED;
  const float milliseconds = milliseconds_of.products.at(algorithm->data[0]);
  if (milliseconds < 0) return CUBLAS_STATUS_EXECUTION_FAILED;
  mock.run.push_back(product.epilogue);
  const bool accumulate = product.scale == CUDA_R_64F ? *static_cast<const double*>(beta) != 0
                                                      : *static_cast<const float*>(beta) != 0;
  ptx::library_work size =
      detail::size_of(product, detail::of(a_layout), detail::of(b_layout), detail::of(d_layout), accumulate);
  size.milliseconds = milliseconds;
  enqueue_library_work(
      on, "product", size,
      [=, of_a = detail::of(a_layout), of_b = detail::of(b_layout), of_d = detail::of(d_layout)] {
        detail::multiply(product, a, of_a, b, of_b, accumulate, c, d, of_d);
      });
  return CUBLAS_STATUS_SUCCESS;
}

}  // extern "C"
