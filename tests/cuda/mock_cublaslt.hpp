#pragma once
// cuBLASLt, played: in its own terms and in the order of its numbers, with only the algorithms that a test
// lets it have. A program includes this once.
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <set>
#include <vector>

#include <cublasLt.h>

#include "mock_library.hpp"

namespace pretext::tests {

/// What the library can do, and what it was asked.
struct mock_products {
  std::set<cublasLtEpilogue_t> ends{CUBLASLT_EPILOGUE_DEFAULT, CUBLASLT_EPILOGUE_BIAS,
                                    CUBLASLT_EPILOGUE_BGRADB};
  float waves = 1;  ///< of algorithms with an ending; others fill the GPU 0.8 times
  bool second_thoughts = false;
  std::vector<cublasLtEpilogue_t> chosen{}, run{};
  std::vector<std::uintptr_t> alignments{};
};
inline mock_products mock;

/// Of one product, as it was described; and of the address of a bias, how far it was aligned then.
struct mock_product {
  cublasComputeType_t arithmetic;
  cudaDataType_t scale;
  cublasOperation_t a = CUBLAS_OP_N, b = CUBLAS_OP_N;
  cublasLtEpilogue_t end = CUBLASLT_EPILOGUE_DEFAULT;
  void* column = nullptr;
};

/// A matrix, column after column.
struct mock_layout {
  cudaDataType_t number;
  std::uint64_t rows, columns;
  std::int64_t step;

  stored_numbers whole() const { return {number, rows * columns}; }
};

namespace detail {
inline mock_product& of(cublasLtMatmulDesc_t description) {
  return *reinterpret_cast<mock_product*>(description);
}
inline const mock_layout& of(cublasLtMatrixLayout_t layout) {
  return *reinterpret_cast<mock_layout*>(layout);
}

/// op(matrix), row after row.
inline std::vector<double> numbers(const void* matrix, const mock_layout& layout, cublasOperation_t transpose,
                                   bool in_tf32) {
  const std::vector<double> memory = layout.whole().fetch(matrix);
  const std::size_t rows = transpose == CUBLAS_OP_T ? layout.columns : layout.rows;
  const std::size_t columns = transpose == CUBLAS_OP_T ? layout.rows : layout.columns;
  const auto step = static_cast<std::size_t>(layout.step);
  std::vector<double> made(rows * columns);
  for (std::size_t r = 0; r < rows; ++r)
    for (std::size_t c = 0; c < columns; ++c) {
      const double exact = memory[transpose == CUBLAS_OP_T ? r * step + c : c * step + r];
      const std::uint32_t bits = std::bit_cast<std::uint32_t>(static_cast<float>(exact));
      made[r * columns + c] = in_tf32 ? std::bit_cast<float>((bits + 0x1000) & ~0x1FFFu) : exact;
    }
  return made;
}

inline void multiply(const mock_product& product, const void* a, const mock_layout& a_layout, const void* b,
                     const mock_layout& b_layout, bool adds, const void* c, void* d,
                     const mock_layout& layout) {
  const bool in_tf32 = product.arithmetic == CUBLAS_COMPUTE_32F_FAST_TF32 && a_layout.number == CUDA_R_32F;
  const std::vector<double> left = numbers(a, a_layout, product.a, in_tf32),
                            right = numbers(b, b_layout, product.b, in_tf32);
  const std::size_t m = layout.rows, n = layout.columns, k = left.size() / m;
  if (right.size() != k * n) refused_by_library("factors of other sizes than their product");
  std::vector<double> sums = adds ? layout.whole().fetch(c) : std::vector<double>(m * n);
  if (product.end == CUBLASLT_EPILOGUE_BIAS) {
    const auto bias = stored_numbers{layout.number, m}.fetch(product.column);
    for (std::size_t at = 0; at < sums.size(); ++at) sums[at] += bias[at % m];
  }
  for (std::size_t i = 0; i < m; ++i) {
    std::vector<double> row(n);
    for (std::size_t l = 0; l < k; ++l)
      for (std::size_t j = 0; j < n; ++j) row[j] += left[i * k + l] * right[l * n + j];
    for (std::size_t j = 0; j < n; ++j) sums[j * m + i] += row[j];
  }
  layout.whole().store(d, sums);
  if (product.end != CUBLASLT_EPILOGUE_BGRADB) return;
  std::vector<double> of_columns(n);
  for (std::size_t l = 0; l < k; ++l)
    for (std::size_t j = 0; j < n; ++j) of_columns[j] += right[l * n + j];
  stored_numbers{layout.number, n}.store(product.column, of_columns);
}
}  // namespace detail

}  // namespace pretext::tests

extern "C" {

const char* cublasLtGetStatusString(cublasStatus_t) { return "what a test said"; }
cublasStatus_t cublasLtCreate(cublasLtHandle_t* handle) {
  static int any;
  *handle = reinterpret_cast<cublasLtHandle_t>(&any);
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtDestroy(cublasLtHandle_t) { return CUBLAS_STATUS_SUCCESS; }
cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t* made, cublasComputeType_t arithmetic,
                                        cudaDataType_t scale) {
  *made = reinterpret_cast<cublasLtMatmulDesc_t>(
      new pretext::tests::mock_product{.arithmetic = arithmetic, .scale = scale});
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t made) {
  delete &pretext::tests::detail::of(made);
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t to, cublasLtMatmulDescAttributes_t what,
                                              const void* value, std::size_t size) {
  const auto set = [&](auto& member) {
    if (size != sizeof member)
      pretext::tests::refused_by_library("an attribute of another size than its own");
    std::memcpy(&member, value, sizeof member);
  };
  auto& product = pretext::tests::detail::of(to);
  if (what == CUBLASLT_MATMUL_DESC_TRANSA) set(product.a);
  if (what == CUBLASLT_MATMUL_DESC_TRANSB) set(product.b);
  if (what == CUBLASLT_MATMUL_DESC_EPILOGUE) set(product.end);
  if (what == CUBLASLT_MATMUL_DESC_BIAS_POINTER) set(product.column);
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t* made, cudaDataType number,
                                          std::uint64_t rows, std::uint64_t columns, std::int64_t step) {
  *made =
      reinterpret_cast<cublasLtMatrixLayout_t>(new pretext::tests::mock_layout{number, rows, columns, step});
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t made) {
  delete &pretext::tests::detail::of(made);
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
    pretext::tests::mock.alignments.push_back(bytes);
  }
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t, cublasLtMatmulDesc_t product,
                                              cublasLtMatrixLayout_t, cublasLtMatrixLayout_t,
                                              cublasLtMatrixLayout_t, cublasLtMatrixLayout_t,
                                              cublasLtMatmulPreference_t, int,
                                              cublasLtMatmulHeuristicResult_t* best, int* found) {
  auto& mock = pretext::tests::mock;
  const pretext::tests::mock_product& asked = pretext::tests::detail::of(product);
  mock.chosen.push_back(asked.end);
  if (asked.end != CUBLASLT_EPILOGUE_DEFAULT &&
      reinterpret_cast<std::uintptr_t>(asked.column) != mock.alignments.back())
    pretext::tests::refused_by_library("a bias that is not taken to be as aligned as all the rest");
  if (!mock.ends.contains(asked.end)) {
    *found = 0;
    return asked.end == CUBLASLT_EPILOGUE_DEFAULT ? CUBLAS_STATUS_NOT_SUPPORTED : CUBLAS_STATUS_INVALID_VALUE;
  }
  *found = 1;
  best->state = CUBLAS_STATUS_SUCCESS;
  best->wavesCount = asked.end == CUBLASLT_EPILOGUE_DEFAULT ? 0.8f : mock.waves;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmul(cublasLtHandle_t, cublasLtMatmulDesc_t description, const void*, const void* a,
                              cublasLtMatrixLayout_t a_layout, const void* b, cublasLtMatrixLayout_t b_layout,
                              const void* beta, const void* c, cublasLtMatrixLayout_t, void* d,
                              cublasLtMatrixLayout_t d_layout, const cublasLtMatmulAlgo_t*, void*,
                              std::size_t, cudaStream_t on) {
  using namespace pretext::tests;
  const mock_product product = detail::of(description);
  if (mock.second_thoughts && product.end != CUBLASLT_EPILOGUE_DEFAULT) return CUBLAS_STATUS_NOT_SUPPORTED;
  mock.run.push_back(product.end);
  const bool adds = product.scale == CUDA_R_64F ? *static_cast<const double*>(beta) != 0
                                                : *static_cast<const float*>(beta) != 0;
  done_by_library(on,
                  [=, of_a = detail::of(a_layout), of_b = detail::of(b_layout), of_d = detail::of(d_layout)] {
                    detail::multiply(product, a, of_a, b, of_b, adds, c, d, of_d);
                  });
  return CUBLAS_STATUS_SUCCESS;
}

}  // extern "C"
