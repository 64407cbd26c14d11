// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <type_traits>

#include <pretext/devices/cuda.hpp>
#include <pretext/devices/grid/kernel.hpp>
#include <pretext/kernels/gpu/block/tensor_cores.cuh>
#include <pretext/kernels/gpu/block/warp.cuh>

namespace pretext::inline v0_1 {
namespace grid {

/// The block of the kernel contract (devices/grid/kernel.hpp) on a GPU: `for_each_thread` runs its functor
/// and synchronizes. nvcc also compiles kernels for the host, where they never run; hence __CUDA_ARCH__,
/// without which these intrinsics would not compile there.
template <class Kernel>
class gpu_block {
 public:
  PRETEXT_HOST_DEVICE std::size_t index() const {
#ifdef __CUDA_ARCH__
    return blockIdx.x;
#else
    return 0;
#endif
  }
  PRETEXT_HOST_DEVICE std::size_t count() const {
#ifdef __CUDA_ARCH__
    return gridDim.x;
#else
    return 1;
#endif
  }
  PRETEXT_HOST_DEVICE auto& shared() const { return *static_cast<typename Kernel::shared*>(memory_); }
  PRETEXT_HOST_DEVICE float* dynamic_shared() const {
    return reinterpret_cast<float*>(static_cast<unsigned char*>(memory_) + sizeof(typename Kernel::shared));
  }

  template <class Work>
  PRETEXT_HOST_DEVICE void for_each_thread([[maybe_unused]] const Work& work) const {
#ifdef __CUDA_ARCH__
    work(threadIdx.x);
    __syncthreads();
#endif
  }

  template <class Work>
  PRETEXT_HOST_DEVICE void without_barrier([[maybe_unused]] const Work& work) const {
#ifdef __CUDA_ARCH__
    work(threadIdx.x);
#endif
  }

  template <class T>
  using per_thread = in_registers<T>;
  using warp = gpu_warp;

  template <class T>
  PRETEXT_HOST_DEVICE void sum_in_warps(per_thread<T>& sums) const {
    static_assert(Kernel::threads % 32 == 0);
    combine_lanes<32>(sums.of_this_thread, [](T a, T b) { return a + b; });
  }

  template <class Work>
  PRETEXT_HOST_DEVICE void for_each_warp([[maybe_unused]] const Work& work) const {
    static_assert(Kernel::threads % 32 == 0);
#ifdef __CUDA_ARCH__
    work(warp{});
    __syncthreads();
#endif
  }

  PRETEXT_HOST_DEVICE void copy_later([[maybe_unused]] bfloat16* to, [[maybe_unused]] const bfloat16* from,
                                      [[maybe_unused]] bool exists) const {
#ifdef __CUDA_ARCH__
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;"
                 :
                 : "r"(static_cast<unsigned>(__cvta_generic_to_shared(to))),
                   "l"(__cvta_generic_to_global(from)), "r"(exists ? 16 : 0)
                 : "memory");
#endif
  }
  PRETEXT_HOST_DEVICE void finish_copies() const {
#ifdef __CUDA_ARCH__
    asm volatile("cp.async.wait_all;" : : : "memory");
    __syncthreads();
#endif
  }

  template <unsigned M, unsigned N>
  using tile_sums = tensor_core_sums<Kernel::threads, M, N>;

  PRETEXT_HOST_DEVICE explicit gpu_block(void* memory) : memory_{memory} {}

 private:
  void* memory_;
};

/// Minimum number of resident blocks per multiprocessor, which limits registers: `Kernel::blocks_at_once`
/// if it exists.
template <class Kernel>
inline constexpr unsigned blocks_at_once = 1;
template <class Kernel>
  requires requires { Kernel::blocks_at_once; }
inline constexpr unsigned blocks_at_once<Kernel> = Kernel::blocks_at_once;

/// The entry point of all kernels in kernels/gpu. Hidden visibility keeps shared libraries from replacing
/// each other's kernels.
template <class Kernel>
__global__ void __launch_bounds__(Kernel::threads, blocks_at_once<Kernel>)
    __attribute__((visibility("hidden"))) run(const __grid_constant__ Kernel kernel) {
  extern __shared__ __align__(32) unsigned char memory[];
  gpu_block<Kernel> block{memory};
  kernel(block);
}

}  // namespace grid

/// Launches a kernel with `blocks` blocks on the stream. Throws std::runtime_error if CUDA rejects the
/// launch.
template <class Kernel>
void launch(const cuda_gpu::stream& on, std::size_t blocks, const Kernel& kernel) {
  static_assert(std::is_trivially_copyable_v<Kernel> && sizeof(Kernel) <= 4096);
  static_assert(alignof(typename Kernel::shared) <= 32);
  constexpr std::size_t most_by_default = 48 << 10;
  const std::size_t bytes = grid::shared_bytes(kernel);
  expects(blocks < std::size_t{1} << 31, "a grid of ", blocks,
          " blocks exceeds CUDA's limit: use a smaller batch");
  if (bytes > most_by_default)  // the current device's attribute, so that a second GPU gets it, too
    detail::expects_success(
        cudaFuncSetAttribute(grid::run<Kernel>, cudaFuncAttributeMaxDynamicSharedMemorySize,
                             static_cast<int>(bytes)),
        "requesting shared memory");
  grid::run<Kernel><<<static_cast<unsigned>(blocks), Kernel::threads, bytes, on.native()>>>(kernel);
  detail::expects_success(cudaGetLastError(), "launching a kernel");
}

}  // namespace pretext::inline v0_1
