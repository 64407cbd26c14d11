#pragma once
#include <cstddef>
#include <cstdint>
#include <initializer_list>

#include <pretext/core/bfloat16.hpp>
#include <pretext/devices/grid/kernel.hpp>

// Kernels that wait for memory move 16 bytes at a time where numbers lie so that they can. Their work says
// what happens to N numbers side by side, `work.template at<N>(index of the first)`; N is 1 elsewhere.
namespace pretext::grid {

/// How many numbers 16 bytes hold.
template <class T>
inline constexpr unsigned lanes = 16 / sizeof(T);

/// N numbers side by side as they are calculated with.
template <class R, unsigned N>
struct vec {
  R of[N];
  PRETEXT_HOST_DEVICE constexpr R& operator[](unsigned k) { return of[k]; }
  PRETEXT_HOST_DEVICE constexpr const R& operator[](unsigned k) const { return of[k]; }
};

/// And as they are stored.
template <class T, unsigned N>
struct alignas(N * sizeof(T) < 16 ? N * sizeof(T) : 16) aligned_vec {
  T of[N];
};

template <unsigned N, class T>
PRETEXT_HOST_DEVICE vec<arithmetic<T>, N> load(const T* from) {
  const auto stored = *reinterpret_cast<const aligned_vec<T, N>*>(from);
  vec<arithmetic<T>, N> x;
  for (unsigned k = 0; k < N; ++k) x[k] = static_cast<arithmetic<T>>(stored.of[k]);
  return x;
}
/// Zeros where there is nothing.
template <unsigned N, class T>
PRETEXT_HOST_DEVICE vec<arithmetic<T>, N> load_if_any(const T* from) {
  return from ? load<N>(from) : vec<arithmetic<T>, N>{};
}
template <unsigned N, class T>
PRETEXT_HOST_DEVICE void store(T* to, const vec<arithmetic<T>, N>& x) {
  aligned_vec<T, N> stored;
  for (unsigned k = 0; k < N; ++k) stored.of[k] = static_cast<T>(x[k]);
  *reinterpret_cast<aligned_vec<T, N>*>(to) = stored;
}

/// May kernels take all lanes of T at once: do rows of `columns` numbers begin where 16 bytes do, wherever
/// they lie? Null lies anywhere.
template <class T>
bool is_vectorizable(std::size_t columns, std::initializer_list<const void*> where) {
  bool may = columns % lanes<T> == 0;
  for (const void* memory : where) may = may && reinterpret_cast<std::uintptr_t>(memory) % 16 == 0;
  return may;
}

template <class T, class Work>
struct for_each_lanes {
  static constexpr unsigned threads = 256;
  using shared = no_memory;
  std::size_t n;
  bool wide;
  Work work;

  template <class Block>
  PRETEXT_HOST_DEVICE void operator()(Block& block) const {
    block.for_each_thread([&](unsigned thread) {
      const std::size_t first = block.index() * threads + thread, step = block.count() * threads;
      if (wide)
        for (std::size_t i = first; i < n / lanes<T>; i += step) work.template at<lanes<T>>(i * lanes<T>);
      else
        for (std::size_t i = first; i < n; i += step) work.template at<1>(i);
    });
  }
};

/// Launches `work` for n numbers stored as T, in rows of `columns`, that lie in all of `where`.
template <class T, class Context, class Work>
void each_lanes(Context& context, std::size_t n, std::size_t columns,
                std::initializer_list<const void*> where, const Work& work) {
  using kernel = for_each_lanes<T, Work>;
  const bool wide = is_vectorizable<T>(columns, where);
  if (n > 0)
    launch(context.stream, blocks_for(wide ? n / lanes<T> : n, kernel::threads), kernel{n, wide, work});
}

}  // namespace pretext::grid
