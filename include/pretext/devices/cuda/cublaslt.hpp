// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <cublasLt.h>
#include <cuda_runtime_api.h>
#include <pretext/core/expects.hpp>
#include <pretext/devices/cuda/allocation.hpp>
#include <pretext/devices/cuda/fastest_proposal.hpp>
#include <pretext/devices/cuda/gpu_plans.hpp>

namespace pretext::inline v0_1::detail {

/// The epilogue of a product: none; a bias that is added to each column of D; or the column sums of op(B)
/// beside the result. Biases and sums have the type of D.
enum class product_epilogue { result, bias, sums_of_b };

/// A product in cuBLASLt's terms: column-major, D = op(A)·op(B) + beta·C, where D is m×n. C is D or does not
/// overlap it; the plan is the same, because both have one layout.
struct matrix_product {
  bool transpose_a, transpose_b;
  bool accumulate;  ///< beta is 1, not 0
  bool aligned;     ///< all operands to 16 bytes; slices of the flat buffers may start anywhere
  product_epilogue epilogue;
  std::size_t m, n, k;
  cudaDataType_t operand, result, scale;  ///< of A and B, of D, of beta
  cublasComputeType_t arithmetic;
  friend auto operator<=>(const matrix_product&, const matrix_product&) = default;
};

/// The product's name among the choices of plans.
inline std::string name_of(const matrix_product& p) {
  const auto type = [](cudaDataType_t of) {
    return of == CUDA_R_64F ? " float64" : of == CUDA_R_16BF ? " bfloat16" : " float32";
  };
  return str_cat("product ", p.transpose_a ? "t" : "n", p.transpose_b ? "t" : "n", " ", p.m, "x", p.n, "x",
                 p.k, type(p.operand), type(p.result),
                 p.arithmetic == CUBLAS_COMPUTE_32F_FAST_TF32 ? " in tf32" : "",
                 p.epilogue == product_epilogue::bias        ? " with bias"
                 : p.epilogue == product_epilogue::sums_of_b ? " with column sums"
                                                             : "",
                 p.accumulate ? ", added" : "", p.aligned ? "" : ", unaligned");
}

/// cuBLASLt with its workspace and the algorithms of every product so far. An algorithm is selected once,
/// among those that add in a fixed order, so that a repeated step gives the same bits; `choices` says how.
/// Used by one thread at a time.
class matrix_products {
 public:
  explicit matrix_products(gpu_plans& choices) : choices_{choices} {}
  matrix_products(const matrix_products&) = delete;
  matrix_products& operator=(const matrix_products&) = delete;
  ~matrix_products() { close(); }

  /// Computes the product; returns false where cuBLASLt has no algorithm for it. `column` is the bias, or
  /// receives the sums.
  bool run(cudaStream_t on, const matrix_product& p, const void* a, const void* b, const void* c, void* d,
           const void* column = nullptr) {
    plan& selected = find(p);
    if (!selected.possible) return false;
    if (p.epilogue != product_epilogue::result)
      describe(selected.operation, CUBLASLT_MATMUL_DESC_BIAS_POINTER, column);
    const double one = 1, zero = 0;
    const float float_one = 1, float_zero = 0;
    const bool in_double = p.scale == CUDA_R_64F;
    const void* const alpha = in_double ? static_cast<const void*>(&one) : &float_one;
    const void* const no_beta = in_double ? static_cast<const void*>(&zero) : &float_zero;
    const auto multiply = [&](std::size_t which) {
      return cublasLtMatmul(blas_, selected.operation, alpha, a, selected.a, b, selected.b,
                            p.accumulate ? alpha : no_beta, c, selected.d, d, selected.d,
                            &selected.algorithms[which].value, workspace_, workspace_bytes, on);
    };
    if (!selected.is_chosen) {
      const std::size_t bytes = p.m * p.n * (p.result == CUDA_R_64F ? 8 : p.result == CUDA_R_16BF ? 2 : 4);
      selected.chosen = chosen_proposal(choices_, name_of(p), on, selected.algorithms.size(),
                                        p.accumulate && c == d ? device_bytes{d, bytes} : device_bytes{},
                                        [&](std::size_t i) { return multiply(i) == CUBLAS_STATUS_SUCCESS; });
      selected.is_chosen = true;
    }
    const cublasStatus_t status = multiply(selected.chosen);
    if (status == CUBLAS_STATUS_NOT_SUPPORTED && p.epilogue != product_epilogue::result)
      return selected.possible = false;  // the heuristic was too optimistic
    expects_done(status, "multiplying matrices");
    return true;
  }

  /// Releases everything; a later product starts again.
  void close() {
    for (auto& [key, known] : plans_) {
      cublasLtMatrixLayoutDestroy(known.a);
      cublasLtMatrixLayoutDestroy(known.b);
      cublasLtMatrixLayoutDestroy(known.d);
      cublasLtMatmulDescDestroy(known.operation);
    }
    plans_.clear();
    if (workspace_) cudaFree(std::exchange(workspace_, nullptr));
    if (blas_) cublasLtDestroy(std::exchange(blas_, nullptr));
  }

 private:
  struct algorithm {  // in a vector nvcc rejects cuBLASLt's type, a struct without a name
    cublasLtMatmulAlgo_t value;
  };
  struct plan {
    cublasLtMatmulDesc_t operation = nullptr;
    cublasLtMatrixLayout_t a = nullptr, b = nullptr, d = nullptr;
    std::vector<algorithm> algorithms;  ///< in cuBLASLt's order
    std::size_t chosen = 0;             ///< of them, once `is_chosen`
    bool is_chosen = false;
    float waves = 0;  ///< of the first one's blocks on this GPU; fewer than 1 leave a part of it idle
    bool possible = false;
  };

  static constexpr std::size_t workspace_bytes = std::size_t{32} << 20;  // the default of cuBLAS on Hopper

  static void expects_done(cublasStatus_t status, const char* doing) {
    if (status != CUBLAS_STATUS_SUCCESS) [[unlikely]]
      throw_error<std::runtime_error>("cuBLASLt failed ", doing, ": ", cublasLtGetStatusString(status));
  }

  plan& find(const matrix_product& p) {
    if (const auto known = plans_.find(p); known != plans_.end()) return known->second;
    if (!workspace_) workspace_ = device_malloc(workspace_bytes);
    if (!blas_) expects_done(cublasLtCreate(&blas_), "starting");
    plan made = describe_plan(p);
    if (p.epilogue != product_epilogue::result && made.possible) {
      // Few algorithms have an epilogue, and those may lack what fills a GPU with a small result of long
      // sums: a pass of its own costs less than a product on a part of the GPU.
      matrix_product alone = p;
      alone.epilogue = product_epilogue::result;
      made.possible = made.waves >= std::min(1.0f, 0.9f * find(alone).waves);
    }
    return plans_.emplace(p, std::move(made)).first->second;
  }

  template <class Value>
  static void describe(cublasLtMatmulDesc_t operation, cublasLtMatmulDescAttributes_t what,
                       const Value& value) {
    expects_done(cublasLtMatmulDescSetAttribute(operation, what, &value, sizeof value),
                 "describing a product");
  }

  plan describe_plan(const matrix_product& p) const {
    plan made;
    const cublasOperation_t operations[] = {CUBLAS_OP_N, CUBLAS_OP_T};
    const auto layout = [&](cublasLtMatrixLayout_t& matrix, cudaDataType_t type, bool transposed,
                            std::size_t rows, std::size_t columns) {
      const std::size_t stored = transposed ? columns : rows;
      expects_done(cublasLtMatrixLayoutCreate(&matrix, type, stored, transposed ? rows : columns,
                                              static_cast<std::int64_t>(stored)),
                   "describing a matrix");
    };
    expects_done(cublasLtMatmulDescCreate(&made.operation, p.arithmetic, p.scale), "describing a product");
    describe(made.operation, CUBLASLT_MATMUL_DESC_TRANSA, operations[p.transpose_a]);
    describe(made.operation, CUBLASLT_MATMUL_DESC_TRANSB, operations[p.transpose_b]);
    layout(made.a, p.operand, p.transpose_a, p.m, p.k);
    layout(made.b, p.operand, p.transpose_b, p.k, p.n);
    layout(made.d, p.result, false, p.m, p.n);

    const std::uint32_t alignment = p.aligned ? 16 : p.operand == CUDA_R_16BF ? 2 : 4;
    if (p.epilogue != product_epilogue::result) {
      describe(made.operation, CUBLASLT_MATMUL_DESC_EPILOGUE,
               p.epilogue == product_epilogue::bias ? CUBLASLT_EPILOGUE_BIAS : CUBLASLT_EPILOGUE_BGRADB);
      // The heuristic derives the alignment of the bias from this address, which it does not read.
      describe(made.operation, CUBLASLT_MATMUL_DESC_BIAS_POINTER,
               reinterpret_cast<const void*>(std::uintptr_t{alignment}));
    }

    // Excludes reductions in place, whose order of additions varies.
    const std::uint32_t in_order = CUBLASLT_REDUCTION_SCHEME_NONE | CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE |
                                   CUBLASLT_REDUCTION_SCHEME_OUTPUT_TYPE;
    cublasLtMatmulPreference_t preference = nullptr;
    expects_done(cublasLtMatmulPreferenceCreate(&preference), "choosing an algorithm");
    const auto require = [&](cublasLtMatmulPreferenceAttributes_t what, const auto& value) {
      expects_done(cublasLtMatmulPreferenceSetAttribute(preference, what, &value, sizeof value),
                   "choosing an algorithm");
    };
    require(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, workspace_bytes);
    require(CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, in_order);
    for (const auto attribute :
         {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES,
          CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES})
      require(attribute, alignment);
    std::array<cublasLtMatmulHeuristicResult_t, max_timed_proposals> proposed{};
    int found = 0;
    const cublasStatus_t status =
        cublasLtMatmulAlgoGetHeuristic(blas_, made.operation, made.a, made.b, made.d, made.d, preference,
                                       static_cast<int>(proposed.size()), proposed.data(), &found);
    cublasLtMatmulPreferenceDestroy(preference);
    if (status != CUBLAS_STATUS_NOT_SUPPORTED && p.epilogue == product_epilogue::result)
      expects_done(status, "choosing an algorithm");  // there is no alternative
    made.possible =
        status == CUBLAS_STATUS_SUCCESS && found > 0 && proposed[0].state == CUBLAS_STATUS_SUCCESS;
    if (!made.possible) return made;
    made.waves = proposed[0].wavesCount;
    for (int i = 0; i < found; ++i)
      if (const auto& each = proposed[static_cast<std::size_t>(i)]; each.state == CUBLAS_STATUS_SUCCESS)
        made.algorithms.push_back({each.algo});
    return made;
  }

  gpu_plans& choices_;
  cublasLtHandle_t blas_ = nullptr;
  void* workspace_ = nullptr;
  std::map<matrix_product, plan> plans_;
};

}  // namespace pretext::inline v0_1::detail
