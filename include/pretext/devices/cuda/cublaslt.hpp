#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <stdexcept>
#include <tuple>

#include <cublasLt.h>
#include <cuda_runtime_api.h>
#include <pretext/core/expects.hpp>

namespace pretext::detail {

/// What a product ends in: its result; a bias that is added to each of D's columns; or, beside the result,
/// the sums of op(B)'s columns. Biases and sums are stored as D is.
enum class product_epilogue { result, bias, sums_of_b };

/// A product in cuBLASLt's own terms: columns first, D = op(A)·op(B) + beta·C, D being m×n. C is D itself or
/// lies apart from it; that is no part of the plan, since both have one layout.
struct matrix_product {
  bool transpose_a, transpose_b;
  bool accumulate;  ///< is beta 1, not 0?
  bool aligned;     ///< to 16 bytes, all that takes part: slices of the flat buffers may start anywhere
  product_epilogue epilogue;
  std::size_t m, n, k;
  cudaDataType_t operand, result, scale;  ///< of A and B, of D, of beta
  cublasComputeType_t arithmetic;
  friend auto operator<=>(const matrix_product&, const matrix_product&) = default;
};

/// cuBLASLt, its workspace, and for every product that was ever asked for the algorithm it runs with: chosen
/// once, among those that add in a fixed order, so that a step repeated is the same bits.
class matrix_products {
 public:
  /// Says whether it was done: there are products that cuBLASLt has no algorithm for. `column` is the bias or
  /// gets the sums.
  bool run(cudaStream_t on, const matrix_product& p, const void* a, const void* b, const void* c, void* d,
           const void* column = nullptr) {
    plan& chosen = find(p);
    if (!chosen.possible) return false;
    if (p.epilogue != product_epilogue::result)
      describe(chosen.operation, CUBLASLT_MATMUL_DESC_BIAS_POINTER, column);
    const double one = 1, none = 0;
    const float single_one = 1, single_none = 0;
    const bool twice = p.scale == CUDA_R_64F;
    const void* const alpha = twice ? static_cast<const void*>(&one) : &single_one;
    const void* const zero = twice ? static_cast<const void*>(&none) : &single_none;
    const cublasStatus_t status =
        cublasLtMatmul(blas_, chosen.operation, alpha, a, chosen.a, b, chosen.b, p.accumulate ? alpha : zero,
                       c, chosen.d, d, chosen.d, &chosen.algorithm, workspace_, workspace_bytes, on);
    if (status == CUBLAS_STATUS_NOT_SUPPORTED && p.epilogue != product_epilogue::result)
      return chosen.possible = false;  // on second thoughts
    expects_done(status, "multiplying matrices");
    return true;
  }

  void close() {
    for (auto& [key, made] : plans_) {
      cublasLtMatrixLayoutDestroy(made.a);
      cublasLtMatrixLayoutDestroy(made.b);
      cublasLtMatrixLayoutDestroy(made.d);
      cublasLtMatmulDescDestroy(made.operation);
    }
    plans_.clear();
    if (!blas_) return;
    cudaFree(workspace_);
    cublasLtDestroy(blas_);
    blas_ = nullptr;
  }

 private:
  struct plan {
    cublasLtMatmulDesc_t operation = nullptr;
    cublasLtMatrixLayout_t a = nullptr, b = nullptr, d = nullptr;
    cublasLtMatmulAlgo_t algorithm{};
    float waves = 0;  ///< of blocks, on this GPU: less than 1 leave a part of it idle
    bool possible = false;
  };

  static constexpr std::size_t workspace_bytes = std::size_t{32} << 20;  // what cuBLAS takes itself on Hopper

  static void expects_done(cublasStatus_t status, const char* doing) {
    if (status != CUBLAS_STATUS_SUCCESS) [[unlikely]]
      throw_error<std::runtime_error>("cuBLASLt failed ", doing, ": ", cublasLtGetStatusString(status));
  }

  plan& find(const matrix_product& p) {
    if (const auto known = plans_.find(p); known != plans_.end()) return known->second;
    if (!blas_) {
      expects_done(cublasLtCreate(&blas_), "starting");
      if (cudaMalloc(&workspace_, workspace_bytes) != cudaSuccess)
        throw_error<std::runtime_error>("no device memory left for cuBLASLt's workspace");
    }
    plan made = choose(p);
    if (p.epilogue != product_epilogue::result && made.possible) {
      // Few algorithms have an epilogue, and those may lack what fills a GPU with a small result of long
      // sums: a pass of its own costs less than a product on a part of the GPU.
      matrix_product plain = p;
      plain.epilogue = product_epilogue::result;
      made.possible = made.waves >= std::min(1.0f, 0.9f * find(plain).waves);
    }
    return plans_.emplace(p, made).first->second;
  }

  template <class Value>
  static void describe(cublasLtMatmulDesc_t operation, cublasLtMatmulDescAttributes_t what,
                       const Value& value) {
    expects_done(cublasLtMatmulDescSetAttribute(operation, what, &value, sizeof value),
                 "describing a product");
  }

  plan choose(const matrix_product& p) const {
    plan made;
    const cublasOperation_t turn[] = {CUBLAS_OP_N, CUBLAS_OP_T};
    const auto layout = [&](cublasLtMatrixLayout_t& matrix, cudaDataType_t number, bool transposed,
                            std::size_t rows, std::size_t columns) {
      const std::size_t stored = transposed ? columns : rows;
      expects_done(cublasLtMatrixLayoutCreate(&matrix, number, stored, transposed ? rows : columns,
                                              static_cast<std::int64_t>(stored)),
                   "describing a matrix");
    };
    expects_done(cublasLtMatmulDescCreate(&made.operation, p.arithmetic, p.scale), "describing a product");
    describe(made.operation, CUBLASLT_MATMUL_DESC_TRANSA, turn[p.transpose_a]);
    describe(made.operation, CUBLASLT_MATMUL_DESC_TRANSB, turn[p.transpose_b]);
    layout(made.a, p.operand, p.transpose_a, p.m, p.k);
    layout(made.b, p.operand, p.transpose_b, p.k, p.n);
    layout(made.d, p.result, false, p.m, p.n);

    const std::uint32_t alignment = p.aligned ? 16 : p.operand == CUDA_R_16BF ? 2 : 4;
    if (p.epilogue != product_epilogue::result) {
      describe(made.operation, CUBLASLT_MATMUL_DESC_EPILOGUE,
               p.epilogue == product_epilogue::bias ? CUBLASLT_EPILOGUE_BIAS : CUBLASLT_EPILOGUE_BGRADB);
      // Whoever chooses takes the bias to be as aligned as the address that it finds, which it does not read.
      describe(made.operation, CUBLASLT_MATMUL_DESC_BIAS_POINTER,
               reinterpret_cast<const void*>(std::uintptr_t{alignment}));
    }

    // Reductions in place take turns in an order of their own.
    const std::uint32_t in_order = CUBLASLT_REDUCTION_SCHEME_NONE | CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE |
                                   CUBLASLT_REDUCTION_SCHEME_OUTPUT_TYPE;
    cublasLtMatmulPreference_t wish = nullptr;
    expects_done(cublasLtMatmulPreferenceCreate(&wish), "choosing an algorithm");
    const auto ask = [&](cublasLtMatmulPreferenceAttributes_t what, const auto& value) {
      expects_done(cublasLtMatmulPreferenceSetAttribute(wish, what, &value, sizeof value),
                   "choosing an algorithm");
    };
    ask(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, workspace_bytes);
    ask(CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, in_order);
    for (const auto side :
         {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES,
          CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES})
      ask(side, alignment);
    cublasLtMatmulHeuristicResult_t best{};
    int found = 0;
    const cublasStatus_t status = cublasLtMatmulAlgoGetHeuristic(blas_, made.operation, made.a, made.b,
                                                                 made.d, made.d, wish, 1, &best, &found);
    cublasLtMatmulPreferenceDestroy(wish);
    if (status != CUBLAS_STATUS_NOT_SUPPORTED && p.epilogue == product_epilogue::result)
      expects_done(status, "choosing an algorithm");  // there is nothing else to try
    made.possible = status == CUBLAS_STATUS_SUCCESS && found > 0 && best.state == CUBLAS_STATUS_SUCCESS;
    made.algorithm = best.algo;
    made.waves = made.possible ? best.wavesCount : 0;
    return made;
  }

  cublasLtHandle_t blas_ = nullptr;
  void* workspace_ = nullptr;
  std::map<matrix_product, plan> plans_;
};

}  // namespace pretext::detail
