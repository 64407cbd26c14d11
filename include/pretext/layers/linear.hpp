// SPDX-License-Identifier: MIT
#pragma once
#include <pretext/core/concepts.hpp>
#include <pretext/core/macs.hpp>
#include <pretext/kernels/gemm.hpp>
#include <pretext/kernels/linear.hpp>
#include <pretext/layers/initialisers.hpp>

namespace pretext::inline v0_1 {

/// Does a layer add a learned constant to each of its channels?
enum class bias { yes, no };

/// What a linear layer may add to its matrix product: bias, residual sum, branch scale.
template <class Context>
using linear_epilogue = kernels::linear_epilogue<typename Context::activation, typename Context::weight>;

/// y = x·Wᵀ + b over the last extent: (In) to (Out), or (T, In) to (T, Out).
template <std::size_t Out, bias Bias = bias::yes, class Init = torch_init>
struct linear {
  template <Shape In>
  static constexpr std::size_t width = In::extents[In::rank - 1];

  template <Shape In>
    requires(In::rank == 1 || In::rank == 2)
  using output = std::conditional_t<In::rank == 1, shape<Out>, shape<In::size / width<In>, Out>>;

  template <Shape In>
  static consteval auto parameters() {
    const parameter weight{"weight", {Out, width<In>}, Init::weight(width<In>, Out)};
    if constexpr (Bias == bias::yes)
      return std::array{weight, parameter{"bias", {Out}, Init::constant(width<In>), parameter_decay::no}};
    else
      return std::array{weight};
  }

  template <Shape In>
  static consteval std::size_t macs() {
    return In::size * Out;
  }

  template <Shape In, class Context>
  struct cache {
    reads<Context, In> x;
  };

  template <class Context, Shape In>
  static void forward(Context& context, weights<Context> w, reads<Context, In> x,
                      writes<Context, output<In>> y, cache<In, Context>& cache) {
    infer(context, w, x, y);
    cache.x = x;
  }

  template <class Context, Shape In>
  static void backward(Context& context, weights<Context> w, cache<In, Context>& cache,
                       reads<Context, output<In>> dy, writes<Context, In> dx) {
    using device = typename Context::device;
    const std::size_t rows = dy.size() / Out;
    kernels::linear<device>::backward_weights(context, {rows, width<In>, Out}, cache.x.data, dy.data,
                                              w.gradient,
                                              Bias == bias::yes ? w.at(Out * width<In>).gradient : nullptr);
    if (dx.data)
      kernels::gemm<device>::run(context, kernels::op::none, kernels::op::none, rows, width<In>, Out, dy.data,
                                 w.operands(), dx.data, kernels::write_mode::overwrite);
  }

  template <class Context, Shape In>
  static void infer(Context& context, weights<Context> w, reads<Context, In> x,
                    writes<Context, output<In>> y) {
    infer(context, w, x, y, {});
  }

  /// The same as part of a residual sum; the bias in `epilogue` is filled in here.
  template <class Context, Shape In>
  static void infer(Context& context, weights<Context> w, reads<Context, In> x, writes<Context, output<In>> y,
                    linear_epilogue<Context> epilogue) {
    if constexpr (Bias == bias::yes) {
      epilogue.bias = w.at(Out * width<In>).value;
      epilogue.rounded_bias = w.at(Out * width<In>).operands();
    }
    kernels::linear<typename Context::device>::forward(context, {y.size() / Out, width<In>, Out}, x.data,
                                                       w.operands(), epilogue, y.data);
  }
};

}  // namespace pretext::inline v0_1
