// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <type_traits>

#include <pretext/core/bfloat16.hpp>
#include <pretext/devices/cuda.hpp>
#include <pretext/devices/cuda/cudnn_plans.hpp>
#include <pretext/kernels/gpu/block/vector_access.hpp>
#include <pretext/kernels/gpu/gemm/fused_gelu.hpp>
#include <pretext/kernels/linear.hpp>

namespace pretext::inline v0_1::grid {

/// cuDNN's products with GELU in bfloat16, for rows of whole 16 bytes and results for which the stream's
/// plans compile kernels. Where plans are timed, they are used only if they are faster than a product and a
/// pass over its result.
template <>
struct fused_gelu<cuda_gpu> {
  template <class Context, class T, class W, class Separately>
  static bool forward(Context& context, const kernels::linear_extents& e, const T* x, const T* w,
                      const W* bias, T* y, T* kept, const Separately& separately) {
    using namespace pretext::detail;
    if (!is_offered<T, W>(e, {x, w, bias, y, kept}) || !bias) return false;
    const cudnn_gelu product = describe(gelu_pass::forward, e.rows, e.in, e.out, kept != nullptr);
    if (kept)
      return run(
          context, product, {}, separately,
          {{gelu_rows, x}, {gelu_weights, w}, {gelu_bias, bias}, {gelu_product, kept}, {gelu_results, y}});
    return run(context, product, {}, separately,
               {{gelu_rows, x}, {gelu_weights, w}, {gelu_bias, bias}, {gelu_results, y}});
  }

  template <class Context, class T, class W, class Separately>
  static bool backward(Context& context, const kernels::linear_extents& e, const T* dy, const T* w,
                       const T* kept, const W* bias, T* dx, W* dbias, const Separately& separately) {
    using namespace pretext::detail;
    if (!is_offered<T, W>(e, {dy, w, kept, bias, dx}) || !bias) return false;
    const device_bytes changed{dbias, dbias ? e.in * sizeof(W) : 0};
    return run(
        context, describe(gelu_pass::backward, e.rows, e.out, e.in, false), changed, separately,
        {{gelu_rows, dy}, {gelu_weights, w}, {gelu_bias, bias}, {gelu_product, kept}, {gelu_results, dx}});
  }

 private:
  using plans = pretext::detail::cudnn_plans;
  using described_product = pretext::detail::cudnn_gelu;

  static described_product describe(pretext::detail::gelu_pass pass, std::size_t rows, std::size_t contracted,
                                    std::size_t columns, bool keeps_product) {
    const auto count = [](std::size_t n) { return static_cast<std::int64_t>(n); };
    return {pass, CUDNN_DATA_BFLOAT16, count(rows), count(contracted), count(columns), keeps_product};
  }
  template <class T, class W>
  static bool is_offered(const kernels::linear_extents& e, std::initializer_list<const void*> tensors) {
    return std::is_same_v<T, bfloat16> && std::is_same_v<W, float> && e.rows > 0 && e.in > 0 && e.out > 0 &&
           is_vectorizable<T>(e.in, tensors) && is_vectorizable<T>(e.out, tensors);
  }

  template <class Context, class Separately>
  static bool run(Context& context, const described_product& product, pretext::detail::device_bytes changed,
                  const Separately& separately, std::initializer_list<plans::argument> arguments) {
    const std::int64_t bytes = 2 * product.rows * product.columns;
    if (static_cast<std::size_t>(bytes) < context.stream.plans().compiles_from) return false;
    plans& library = context.stream.template library<plans>();
    const auto fused = [&] { return library.run(context, product, arguments); };
    return library.is_faster(context, product, changed, fused, separately) && fused();
  }
};

}  // namespace pretext::inline v0_1::grid
