// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <type_traits>

#include <pretext/core/device.hpp>
#include <pretext/core/host_device.hpp>
#include <pretext/core/is_finite.hpp>

// The programming model of the GPU kernels. A kernel is a functor over a block of threads. Code outside of
// `for_each_thread` runs identically in every thread and code inside runs once per thread, so no thread can
// miss a barrier. The same body therefore also runs on a CPU, one thread after another in any order: that is
// how tests check it without a GPU.
//
//   struct kernel {
//     static constexpr unsigned threads = 256;   per block
//     using shared = …;                          the block's shared memory, uninitialized; or no_memory
//     template <class Block> PRETEXT_HOST_DEVICE void operator()(Block& block) const;
//
//     std::size_t dynamic_shared() const;              optional: additional shared memory, in floats
//     static constexpr unsigned blocks_at_once = 2;    optional: minimum of resident blocks per
//   };                                                 multiprocessor, which limits registers
//
// A block provides:
//   block.index(), block.count()             its index in the grid, and the number of blocks
//   block.shared()                           its shared memory
//   block.dynamic_shared()                   the additional floats, 32-byte aligned
//   block.for_each_thread(f)                 every thread calls f(its index), then a barrier
//   block.without_barrier(f)                 the same without the barrier, for f that uses only values of
//                                            its thread, and memory that no other thread uses at that time
//   block.sum_in_warps(sums)                 adds the values of a per_thread<T> in every 32 consecutive
//                                            threads: each thread then has the sum of its warp
//   typename Block::template per_thread<T>   a T per thread, in registers, zero at first, indexed by thread
//   block.copy_later(to, from, exists)       for one thread: starts to copy 8 bfloat16 from global to shared
//                                            memory, or zeros if not `exists`; both 16-byte aligned
//   block.finish_copies()                    waits for all copies that the block has started, then a barrier
//   block.for_each_warp(f)                   every 32 consecutive threads call f(warp), then a barrier
//
// All lanes of a warp run f alike: its conditions outside of `for_each_lane` must not depend on the lane. A
// warp provides, with products of 16×16 squares (kernels/gpu/block/warp_squares.hpp):
//   warp.index()                             its index in the block
//   warp.for_each_lane(f)                    every lane calls f(its index); no barrier
//   warp.barrier()                           makes what lanes wrote readable by the other lanes
//   typename Block::warp::template per_lane<T>
//                                            a T per lane, in registers, zero at first, indexed by lane
//   warp.lanes_of(values)                    the warp's part of a per_thread<T>, usable as a per_lane<T>
//   warp.template combine<N>(values, op)     each lane gets the result of a commutative operation on the
//                                            values of its group of N lanes
//   warp.load_square(to, where)              a square_operand from shared memory: where(lane) points to 8
//                                            elements, 16-byte aligned; 8 lanes name an 8×8 part
//   warp.load_transposed_square(to, where)   the same, with each 8×8 part transposed
//   warp.multiply(sums, left, right)         square_sums += square_operand · square_operand
//
// and, for kernels that multiply bfloat16 on tensor cores:
//   typename Block::template tile_sums<M, N>   M×N float sums, initially 0, distributed over all threads:
//     sums.add(a, b)                      adds A·B of tiles in shared memory (tiles.hpp), then a barrier
//     sums.visit(staging, f)              f(row, column, pointer to 8 consecutive sums) covers all sums, each
//                                         by one thread
//     sums.visit_pair(other, staging, f)  f(row, column, 8 sums, the same 8 sums of `other`)
//   All three accept `product_limits` as last argument. There is no barrier after `visit` and `visit_pair`.
//
// Code outside of `for_each_thread` may read shared memory, provided that a `for_each_thread` follows before
// that memory changes.
namespace pretext::inline v0_1::grid {

/// The shared memory of a kernel that needs none.
struct no_memory {};

/// The smaller of two values.
PRETEXT_HOST_DEVICE constexpr std::size_t smaller(std::size_t a, std::size_t b) { return a < b ? a : b; }
/// a / b, rounded up.
PRETEXT_HOST_DEVICE constexpr std::size_t ceil_div(std::size_t a, std::size_t b) { return (a + b - 1) / b; }

/// Minus infinity, as a constant.
template <class T>
inline constexpr T least_number = -pretext::detail::infinity<T>;
/// Minus infinity, from device code.
template <class T>
PRETEXT_HOST_DEVICE constexpr T minus_infinity() {
  return least_number<T>;
}

/// Does a kernel use dynamic shared memory?
template <class Kernel>
concept has_dynamic_shared = requires(const Kernel& kernel) {
  kernel.dynamic_shared();
};

/// The bytes of shared memory of one block.
template <class Kernel>
constexpr std::size_t shared_bytes(const Kernel& kernel) {
  using shared = typename Kernel::shared;
  if constexpr (has_dynamic_shared<Kernel>) {
    static_assert(sizeof(shared) % 32 == 0);
    return sizeof(shared) + kernel.dynamic_shared() * sizeof(float);
  } else {
    return std::is_empty_v<shared> ? 0 : sizeof(shared);
  }
}

/// A few waves of a large GPU.
inline constexpr std::size_t most_blocks = 4096;
/// Blocks for `n` elements at one per thread, but at most `most_blocks`.
constexpr std::size_t blocks_for(std::size_t n, std::size_t threads) {
  return smaller(ceil_div(n, threads), most_blocks);
}

/// The kernel of `parallel_for`: `work(i)` for every i < n.
template <class Work>
struct for_each_number {
  static constexpr unsigned threads = 256;
  using shared = no_memory;
  std::size_t n;
  Work work;

  template <class Block>
  PRETEXT_HOST_DEVICE void operator()(Block& block) const {
    block.for_each_thread([&](unsigned thread) {
      for (std::size_t i = block.index() * threads + thread; i < n; i += block.count() * threads) work(i);
    });
  }
};

/// Launches `work(i)` for every i < n on the context's stream.
template <class Context, class Work>
void parallel_for(Context& context, std::size_t n, const Work& work) {
  using kernel = for_each_number<Work>;
  if (n > 0) launch(context.stream, blocks_for(n, kernel::threads), kernel{n, work});
}

/// Σ term(thread) over the threads of a block, returned in every thread. The order of additions is a tree,
/// the same on every device. `memory` is shared, with one element per thread; the number of threads is a
/// power of two.
template <class Block, class T, std::size_t Threads, class Term>
PRETEXT_HOST_DEVICE T sum_of_threads(Block& block, T (&memory)[Threads], const Term& term) {
  static_assert((Threads & (Threads - 1)) == 0);
  block.for_each_thread([&](unsigned thread) { memory[thread] = term(thread); });
  for (unsigned half = Threads / 2; half > 0; half /= 2)
    block.for_each_thread([&](unsigned thread) {
      if (thread < half) memory[thread] += memory[thread + half];
    });
  const T total = memory[0];
  block.for_each_thread([](unsigned) {});  // a barrier: `memory` may be overwritten afterwards
  return total;
}

/// The maximum of term(thread) over the threads of a block, returned in every thread; `memory` as above.
template <class Block, class T, std::size_t Threads, class Term>
PRETEXT_HOST_DEVICE T largest_of_threads(Block& block, T (&memory)[Threads], const Term& term) {
  static_assert((Threads & (Threads - 1)) == 0);
  block.for_each_thread([&](unsigned thread) { memory[thread] = term(thread); });
  for (unsigned half = Threads / 2; half > 0; half /= 2)
    block.for_each_thread([&](unsigned thread) {
      if (thread < half && memory[thread] < memory[thread + half]) memory[thread] = memory[thread + half];
    });
  const T largest = memory[0];
  block.for_each_thread([](unsigned) {});
  return largest;
}

}  // namespace pretext::inline v0_1::grid
