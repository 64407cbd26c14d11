// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <type_traits>

#include <pretext/core/bfloat16.hpp>
#include <pretext/devices/grid/kernel.hpp>

// Memory-bound kernels move 16 bytes per access where alignment allows it. Their functor defines what
// happens to N consecutive elements, `work.template at<N>(index of the first)`: N is `lanes<T>` where rows
// are aligned and 1 otherwise, so one kernel serves both cases.
namespace pretext::inline v0_1::grid {

/// Elements of T in 16 bytes.
template <class T>
inline constexpr unsigned lanes = 16 / sizeof(T);

/// N consecutive elements in the type that arithmetic uses.
template <class R, unsigned N>
struct vec {
  R of[N];
  PRETEXT_HOST_DEVICE constexpr R& operator[](unsigned k) { return of[k]; }
  PRETEXT_HOST_DEVICE constexpr const R& operator[](unsigned k) const { return of[k]; }
};

/// N consecutive elements as they are stored, aligned so that the compiler emits one memory access.
template <class T, unsigned N>
struct alignas(N * sizeof(T) < 16 ? N * sizeof(T) : 16) aligned_vec {
  T of[N];
};
/// N elements of bfloat16 in words of 32 bits; N is even.
template <unsigned N>
using pairs_of_bfloat16 = aligned_vec<std::uint32_t, N / 2>;

/// Converts stored elements for arithmetic. Pairs of bfloat16 are taken from words of 32 bits, by one
/// instruction for each element.
template <class T, unsigned N>
PRETEXT_HOST_DEVICE vec<arithmetic<T>, N> unpack(const aligned_vec<T, N>& stored) {
  vec<arithmetic<T>, N> x;
  if constexpr (std::is_same_v<T, bfloat16> && N % 2 == 0) {
    const auto words = __builtin_bit_cast(pairs_of_bfloat16<N>, stored);
    for (unsigned k = 0; k < N / 2; ++k) {
      x[2 * k] = __builtin_bit_cast(float, words.of[k] << 16);
      x[2 * k + 1] = __builtin_bit_cast(float, words.of[k] & 0xffff0000u);
    }
  } else {
    for (unsigned k = 0; k < N; ++k) x[k] = static_cast<arithmetic<T>>(stored.of[k]);
  }
  return x;
}
/// Rounds results to be stored.
template <class T, unsigned N>
PRETEXT_HOST_DEVICE aligned_vec<T, N> pack(const vec<arithmetic<T>, N>& x) {
#ifdef __CUDA_ARCH__
  if constexpr (std::is_same_v<T, bfloat16> && N % 2 == 0) {
    pairs_of_bfloat16<N> words;
    for (unsigned k = 0; k < N / 2; ++k)
      asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(words.of[k]) : "f"(x[2 * k + 1]), "f"(x[2 * k]));
    return __builtin_bit_cast(aligned_vec<T, N>, words);
  }
#endif
  aligned_vec<T, N> stored;
  for (unsigned k = 0; k < N; ++k) stored.of[k] = static_cast<T>(x[k]);
  return stored;
}

template <unsigned N, class T>
PRETEXT_HOST_DEVICE vec<arithmetic<T>, N> load(const T* from) {
  const auto stored = *reinterpret_cast<const aligned_vec<T, N>*>(from);  // one access
  return unpack<T, N>(stored);
}
/// Zeros for a null pointer.
template <unsigned N, class T>
PRETEXT_HOST_DEVICE vec<arithmetic<T>, N> load_or_zero(const T* from) {
  return from ? load<N>(from) : vec<arithmetic<T>, N>{};
}
template <unsigned N, class T>
PRETEXT_HOST_DEVICE void store(T* to, const vec<arithmetic<T>, N>& x) {
  *reinterpret_cast<aligned_vec<T, N>*>(to) = pack<T, N>(x);
}

/// Elements of an array that is aligned to 16 bytes, or is not: one access, or one for each element.
template <unsigned N, class T>
PRETEXT_HOST_DEVICE vec<arithmetic<T>, N> load(const T* from, bool aligned) {
  if (aligned) return load<N>(from);
  vec<arithmetic<T>, N> x;
  for (unsigned k = 0; k < N; ++k) x[k] = static_cast<arithmetic<T>>(from[k]);
  return x;
}
inline bool is_aligned(const void* memory) { return reinterpret_cast<std::uintptr_t>(memory) % 16 == 0; }

/// Whether kernels may access rows of `columns` elements by whole 16-byte vectors in all these arrays. Null
/// pointers count as aligned.
template <class T>
bool is_vectorizable(std::size_t columns, std::initializer_list<const void*> pointers) {
  bool aligned = columns % lanes<T> == 0;
  for (const void* memory : pointers) aligned = aligned && is_aligned(memory);
  return aligned;
}

/// The kernel of parallel_for_vec.
template <class T, class Work>
struct vec_loop {
  static constexpr unsigned threads = 256;
  using shared = no_memory;
  std::size_t n;
  bool vectorized;
  Work work;

  template <class Block>
  PRETEXT_HOST_DEVICE void operator()(Block& block) const {
    block.for_each_thread([&](unsigned thread) {
      const std::size_t first = block.index() * threads + thread, step = block.count() * threads;
      if (vectorized)
        for (std::size_t i = first; i < n / lanes<T>; i += step) work.template at<lanes<T>>(i * lanes<T>);
      else
        for (std::size_t i = first; i < n; i += step) work.template at<1>(i);
    });
  }
};

/// Launches `work` over n elements of type T, in rows of `columns`, that the arrays `pointers` hold.
template <class T, class Context, class Work>
void parallel_for_vec(Context& context, std::size_t n, std::size_t columns,
                      std::initializer_list<const void*> pointers, const Work& work) {
  using kernel = vec_loop<T, Work>;
  const bool vectorized = is_vectorizable<T>(columns, pointers);
  if (n > 0)
    launch(context.stream, blocks_for(vectorized ? n / lanes<T> : n, kernel::threads),
           kernel{n, vectorized, work});
}

}  // namespace pretext::inline v0_1::grid
