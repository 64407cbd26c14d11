#pragma once
#include <cstddef>

#include <pretext/kernels/cpu/isa.hpp>
#include <pretext/kernels/cpu/tile_portable.hpp>
#include <pretext/kernels/cpu/tile_product.hpp>
#include <pretext/kernels/cpu/tile_shape.hpp>
#if defined(__x86_64__)
#include <pretext/kernels/cpu/tile_avx2.hpp>
#include <pretext/kernels/cpu/tile_avx512.hpp>
#endif

namespace pretext::kernels {

/// Computes a tile with the best instructions at hand.
template <class Product>
void run_tile(const Product& product) {
  using T = typename Product::number;
#if defined(__x86_64__)
  if (best_isa() == isa::avx512) return detail::avx512_tile<T>::run(product);
  if (best_isa() == isa::avx2) return detail::avx2_tile<T>::run(product);
#endif
  detail::portable_tile<T>::run(product);
}

}  // namespace pretext::kernels
