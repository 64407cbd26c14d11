#pragma once
#include <cstddef>
#include <limits>
#include <type_traits>

#include <pretext/core/host_device.hpp>

namespace pretext {

/// A device whose kernels are grids of blocks of threads: `cuda`, and the one that tests play on the CPU.
template <class D>
concept Accelerator = D::is_accelerator;

}  // namespace pretext

// A kernel is a small functor that says how many `threads` a block has and which memory they share:
//
//   struct kernel {
//     static constexpr unsigned threads = 256;
//     using shared = …;                                    plain memory, not cleared
//     template <class Block> PRETEXT_HOST_DEVICE void operator()(Block& block) const;
//   };
//
// It may ask for more shared memory than a type can say, so many floats: `std::size_t beside() const`. And it
// may say how many `blocks_at_once` a multiprocessor shall have room for: a GPU's compiler then gives threads
// so few registers.
//
// What its body may ask of a block:
//   block.index(), block.count()      which block of the grid this is, and of how many
//   block.shared()                    the memory that its threads share
//   block.beside()                    and the floats beside it, at a multiple of 32 bytes
//   block.each(f)                     every thread calls f(its number), then all wait for one another
//   typename Block::template own<T>   T of every thread's own, zero at first: own[its number]
//
// And, where it multiplies bfloat16, for which a GPU has tensor cores:
//   typename Block::template tile_sums<M, N>   M×N sums in float, 0 at first, which all threads keep
//   together:
//     sums.add(a, b)      adds A·B, tiles in shared memory (product_tiles.hpp), then all wait for one another
//     sums.each(apart, f) f(row, column, pointer to 8 sums side by side) for all of them, each by some thread
//     sums.visit_pair(more, apart, f)   f(row, column, 8 sums, the same 8 of `more`)
//   All of them may be told `product_limits` at the end. Nobody waits for anybody after `each`.
//
// What stands outside of `each` is done by every thread alike. So no thread can miss a barrier, and the same
// body runs on the CPU, one thread after another in any order: that is how tests check it without a GPU. It
// may read shared memory outside of `each` if an `each` follows before that memory changes.
namespace pretext::grid {

/// Of kernels whose threads share nothing.
struct no_memory {};

PRETEXT_HOST_DEVICE constexpr std::size_t smaller(std::size_t a, std::size_t b) { return a < b ? a : b; }
PRETEXT_HOST_DEVICE constexpr std::size_t ceil_div(std::size_t a, std::size_t b) { return (a + b - 1) / b; }

template <class T>
inline constexpr T least_number = -std::numeric_limits<T>::infinity();
template <class T>
PRETEXT_HOST_DEVICE constexpr T minus_infinity() {
  return least_number<T>;
}

/// Does a kernel ask for shared memory beside what its type says?
template <class Kernel>
concept has_dynamic_shared = requires(const Kernel& kernel) {
  kernel.dynamic_shared();
};

/// The bytes that a block of a kernel shares.
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

/// Blocks for `n` numbers at one per thread, but no more than some waves of a large GPU.
constexpr std::size_t blocks_for(std::size_t n, std::size_t threads) {
  return smaller(ceil_div(n, threads), 4096);
}

/// `work(i)` for every i < n.
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

/// Launches `work(i)` for every i < n on the place's stream.
template <class Context, class Work>
void parallel_for(Context& context, std::size_t n, const Work& work) {
  using kernel = for_each_number<Work>;
  if (n > 0) launch(context.stream, blocks_for(n, kernel::threads), kernel{n, work});
}

/// Σ term(thread) over a block's threads, told to all of them: a tree, the same on every device. `memory` has
/// a number for each thread, whose count is a power of two.
template <class Block, class T, std::size_t Threads, class Term>
PRETEXT_HOST_DEVICE T sum_of_threads(Block& block, T (&memory)[Threads], const Term& term) {
  static_assert((Threads & (Threads - 1)) == 0);
  block.for_each_thread([&](unsigned thread) { memory[thread] = term(thread); });
  for (unsigned half = Threads / 2; half > 0; half /= 2)
    block.for_each_thread([&](unsigned thread) {
      if (thread < half) memory[thread] += memory[thread + half];
    });
  const T total = memory[0];
  block.for_each_thread([](unsigned) {});  // before anybody writes there again
  return total;
}

/// The largest of term(thread), told to all threads.
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

}  // namespace pretext::grid
