// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>

#include <pretext/kernels/gpu/block/warp_squares.hpp>

namespace pretext::inline v0_1::grid {

/// A value per thread or lane, in registers.
template <class T>
struct in_registers {
  T of_this_thread{};
  PRETEXT_HOST_DEVICE T& operator[](unsigned) { return of_this_thread; }
  PRETEXT_HOST_DEVICE const T& operator[](unsigned) const { return of_this_thread; }
};

/// Combines the values of every N consecutive lanes of a whole warp.
template <unsigned N, class T, class Operation>
PRETEXT_HOST_DEVICE void combine_lanes([[maybe_unused]] T& value,
                                       [[maybe_unused]] const Operation& operation) {
#ifdef __CUDA_ARCH__
  for (unsigned step = N / 2; step > 0; step /= 2)
    value = operation(value, __shfl_xor_sync(~0u, value, step));
#endif
}

/// The warp of the kernel contract (devices/grid/kernel.hpp) on a GPU.
class gpu_warp {
 public:
  template <class T>
  using per_lane = in_registers<T>;

  PRETEXT_HOST_DEVICE unsigned index() const {
#ifdef __CUDA_ARCH__
    return threadIdx.x / 32;
#else
    return 0;
#endif
  }
  template <class Work>
  PRETEXT_HOST_DEVICE void for_each_lane([[maybe_unused]] const Work& work) const {
#ifdef __CUDA_ARCH__
    work(threadIdx.x % 32);
#endif
  }
  PRETEXT_HOST_DEVICE void barrier() const {
#ifdef __CUDA_ARCH__
    __syncwarp();
#endif
  }
  template <class T>
  PRETEXT_HOST_DEVICE in_registers<T>& lanes_of(in_registers<T>& values) const {
    return values;
  }
  template <unsigned N, class T, class Operation>
  PRETEXT_HOST_DEVICE void combine(in_registers<T>& values, const Operation& operation) const {
    combine_lanes<N>(values.of_this_thread, operation);
  }

  template <class Where>
  PRETEXT_HOST_DEVICE void load_square([[maybe_unused]] in_registers<square_operand>& to,
                                       [[maybe_unused]] const Where& where) const {
#ifdef __CUDA_ARCH__
    std::uint32_t(&r)[4] = to.of_this_thread.of;
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(shared_address(where(threadIdx.x % 32)))
                 : "memory");
#endif
  }
  template <class Where>
  PRETEXT_HOST_DEVICE void load_transposed_square([[maybe_unused]] in_registers<square_operand>& to,
                                                  [[maybe_unused]] const Where& where) const {
#ifdef __CUDA_ARCH__
    std::uint32_t(&r)[4] = to.of_this_thread.of;
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(shared_address(where(threadIdx.x % 32)))
                 : "memory");
#endif
  }
  PRETEXT_HOST_DEVICE void multiply([[maybe_unused]] in_registers<square_sums>& sums,
                                    [[maybe_unused]] const in_registers<square_operand>& left,
                                    [[maybe_unused]] const in_registers<square_operand>& right) const {
#ifdef __CUDA_ARCH__
    const std::uint32_t(&a)[4] = left.of_this_thread.of, (&b)[4] = right.of_this_thread.of;
    float(&d)[8] = sums.of_this_thread.of;
    for (unsigned half = 0; half < 2; ++half)
      asm volatile(
          "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
          "{%0, %1, %2, %3};"
          : "+f"(d[4 * half]), "+f"(d[4 * half + 1]), "+f"(d[4 * half + 2]), "+f"(d[4 * half + 3])
          : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[2 * half]), "r"(b[2 * half + 1]));
#endif
  }

#ifdef __CUDA_ARCH__
 private:
  __device__ static unsigned shared_address(const void* pointer) {
    return static_cast<unsigned>(__cvta_generic_to_shared(pointer));
  }
#endif
};

}  // namespace pretext::inline v0_1::grid
