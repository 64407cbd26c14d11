// SPDX-License-Identifier: MIT
#pragma once
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 800
#error "pretext needs GPUs of sm_80 or newer: set CMAKE_CUDA_ARCHITECTURES to 80 or more"
#endif
#include <type_traits>

#include <cuda_bf16.h>
#include <mma.h>
#include <pretext/devices/grid/tiles.hpp>

namespace pretext::inline v0_1::grid {

/// `tile_sums` of the kernel contract (devices/grid/kernel.hpp) on tensor cores through WMMA. The M×N sums
/// are divided into 16×16 squares among the block's warps, which form two columns.
template <unsigned Threads, unsigned M, unsigned N>
class tensor_core_sums {
  static constexpr unsigned side = 16, warps = Threads / 32;
  static constexpr unsigned down = M / (warps / 2) / side, across = N / 2 / side;  // 16×16 squares per warp
  static_assert(warps % 2 == 0 && down * side * (warps / 2) == M && across * side * 2 == N);

 public:
  PRETEXT_HOST_DEVICE tensor_core_sums() {
#ifdef __CUDA_ARCH__
#pragma unroll
    for (unsigned i = 0; i < down; ++i)
#pragma unroll
      for (unsigned j = 0; j < across; ++j) nvcuda::wmma::fill_fragment(sum_[i][j], 0.0f);
#endif
  }

  template <class A, class B, class Limits = whole_product>
  PRETEXT_HOST_DEVICE void add([[maybe_unused]] const A& a, [[maybe_unused]] const B& b,
                               [[maybe_unused]] Limits limits = {}) {
    static_assert(A::rows == M && B::columns == N && A::columns == B::rows);
#ifdef __CUDA_ARCH__
#pragma unroll 2  // full unrolling would load the operands of every step at once and spill registers
    for (unsigned k = 0; k < A::columns; k += side) {
      if (!limits.has_depth(k)) break;
      operands<nvcuda::wmma::matrix_b, B> y[across];
#pragma unroll
      for (unsigned j = 0; j < across; ++j)
        if (limits.has_column(left() + j * side)) load<nvcuda::wmma::matrix_b>(y[j], b, k, left() + j * side);
#pragma unroll
      for (unsigned i = 0; i < down; ++i) {
        if (!limits.has_row(top() + i * side)) continue;
        operands<nvcuda::wmma::matrix_a, A> x;
        load<nvcuda::wmma::matrix_a>(x, a, top() + i * side, k);
#pragma unroll
        for (unsigned j = 0; j < across; ++j)
          if (limits.has_column(left() + j * side)) nvcuda::wmma::mma_sync(sum_[i][j], x, y[j], sum_[i][j]);
      }
    }
    __syncthreads();
#endif
  }

  template <unsigned Tiles, class Work, class Limits = whole_product>
  PRETEXT_HOST_DEVICE void visit([[maybe_unused]] sums_staging<Threads, Tiles>& memory,
                                 [[maybe_unused]] const Work& work,
                                 [[maybe_unused]] Limits limits = {}) const {
#ifdef __CUDA_ARCH__
    for_each_square(limits, [&](unsigned i, unsigned j) {
      float* const sums = memory.of[threadIdx.x / 32][0];
      nvcuda::wmma::store_matrix_sync(sums, sum_[i][j], side, nvcuda::wmma::mem_row_major);
      __syncwarp();
      work(top() + i * side + row(), left() + j * side + column(), sums + row() * side + column());
      __syncwarp();
    });
#endif
  }

  template <class Work, class Limits = whole_product>
  PRETEXT_HOST_DEVICE void visit_pair([[maybe_unused]] const tensor_core_sums& other,
                                      [[maybe_unused]] sums_staging<Threads, 2>& memory,
                                      [[maybe_unused]] const Work& work,
                                      [[maybe_unused]] Limits limits = {}) const {
#ifdef __CUDA_ARCH__
    for_each_square(limits, [&](unsigned i, unsigned j) {
      float *const sums = memory.of[threadIdx.x / 32][0], *const other_sums = memory.of[threadIdx.x / 32][1];
      nvcuda::wmma::store_matrix_sync(sums, sum_[i][j], side, nvcuda::wmma::mem_row_major);
      nvcuda::wmma::store_matrix_sync(other_sums, other.sum_[i][j], side, nvcuda::wmma::mem_row_major);
      __syncwarp();
      work(top() + i * side + row(), left() + j * side + column(), sums + row() * side + column(),
           other_sums + row() * side + column());
      __syncwarp();
    });
#endif
  }

 private:
#ifdef __CUDA_ARCH__
  template <class Use, class Tile>
  using operands = nvcuda::wmma::fragment<
      Use, side, side, side, __nv_bfloat16,
      std::conditional_t<Tile::column_major, nvcuda::wmma::col_major, nvcuda::wmma::row_major>>;

  /// load_matrix_sync, but through an address in shared memory's own space. From a pointer to our bfloat16
  /// the compiler cannot infer that space and would load each register separately.
  template <class Use, class Tile>
  __device__ static void load(operands<Use, Tile>& to, const Tile& from, unsigned row, unsigned column) {
    static_assert(sizeof to == 16, "four registers");
    auto* const r = reinterpret_cast<unsigned*>(&to);
    const auto address = static_cast<unsigned>(__cvta_generic_to_shared(&from.at(row, column)));
    constexpr bool left = std::is_same_v<Use, nvcuda::wmma::matrix_a>;
    if constexpr (left && Tile::column_major)
      asm volatile("wmma.load.a.sync.aligned.col.m16n16k16.shared.bf16 {%0, %1, %2, %3}, [%4], %5;"
                   : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                   : "r"(address), "r"(Tile::stride)
                   : "memory");
    else if constexpr (left)
      asm volatile("wmma.load.a.sync.aligned.row.m16n16k16.shared.bf16 {%0, %1, %2, %3}, [%4], %5;"
                   : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                   : "r"(address), "r"(Tile::stride)
                   : "memory");
    else if constexpr (Tile::column_major)
      asm volatile("wmma.load.b.sync.aligned.col.m16n16k16.shared.bf16 {%0, %1, %2, %3}, [%4], %5;"
                   : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                   : "r"(address), "r"(Tile::stride)
                   : "memory");
    else
      asm volatile("wmma.load.b.sync.aligned.row.m16n16k16.shared.bf16 {%0, %1, %2, %3}, [%4], %5;"
                   : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                   : "r"(address), "r"(Tile::stride)
                   : "memory");
  }
  template <class Limits, class Work>
  __device__ static void for_each_square(Limits limits, const Work& work) {
#pragma unroll
    for (unsigned i = 0; i < down; ++i)
#pragma unroll
      for (unsigned j = 0; j < across; ++j)
        if (limits.has_row(top() + i * side) && limits.has_column(left() + j * side)) work(i, j);
  }
  /// Each thread's 8 sums of a square once the square has been staged in shared memory.
  __device__ static unsigned row() { return threadIdx.x % 32 / 2; }
  __device__ static unsigned column() { return threadIdx.x % 2 * 8; }
  __device__ static unsigned top() { return threadIdx.x / 64 * (down * side); }
  __device__ static unsigned left() { return threadIdx.x / 32 % 2 * (across * side); }
#endif

  nvcuda::wmma::fragment<nvcuda::wmma::accumulator, side, side, side, float> sum_[down][across];
};

}  // namespace pretext::inline v0_1::grid
