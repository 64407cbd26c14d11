// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include <pretext/core/concepts.hpp>
#include <pretext/kernels/for_each_row.hpp>
#include <pretext/kernels/gemm.hpp>
#include <pretext/kernels/l2_normalize.hpp>
#include <pretext/kernels/linear.hpp>
#include <pretext/layers/initialisers.hpp>

namespace pretext::inline v0_1 {

/// Whether the lengths of the rows of a weight-normalised matrix are learned, with weight decay like the rows
/// themselves, or stay as they are (`norm_last_layer` in DINO).
enum class weight_gain { fixed, learned };

/// A linear layer without bias whose weight has rows of given lengths, w_j = g_j·v_j/‖v_j‖ (Salimans & Kingma
/// 2016, eq. 2): (In) to (Out), or (T, In) to (T, Out). Parameter paths are torch's: weight_g (Out, 1), which
/// starts at 1, and weight_v (Out, In). A v_j shorter than 1e-12 is divided by 1e-12.
template <std::size_t Out, weight_gain Gain = weight_gain::learned, class Init = torch_init>
struct weight_norm_linear {
  template <Shape In>
  static constexpr std::size_t width = channels_of<In>;

  template <Shape In>
    requires(In::rank == 1 || In::rank == 2)
  using output = std::conditional_t<In::rank == 1, shape<Out>, shape<position_count<In>, Out>>;

  template <Shape In>
  static consteval auto parameters() {
    constexpr auto role = Gain == weight_gain::learned ? parameter_role::trainable : parameter_role::constant;
    return std::array{parameter{"weight_g", {Out, 1}, initialiser::constant(1), parameter_decay::yes, role},
                      parameter{"weight_v", {Out, width<In>}, Init::weight(width<In>, Out)}};
  }

  template <Shape In>
  static consteval std::size_t macs() {
    return In::size * Out;
  }

  template <Shape In, class Context>
  struct cache {
    reads<Context, In> x;
    const typename Context::activation* rows = nullptr;  ///< w, (Out, In)
    const double* factor = nullptr;                      ///< 1/‖v_j‖
  };

  template <class Context, Shape In>
  static void forward(Context& context, weights<Context> w, reads<Context, In> x,
                      writes<Context, output<In>> y, cache<In, Context>& cache) {
    auto* const rows = context.activations.template allocate<typename Context::activation>(Out * width<In>);
    double* const factor = context.activations.template allocate<double>(Out);
    run(context, w, x, y, rows, factor);
    cache = {x, rows, factor};
  }

  template <class Context, Shape In>
  static void backward(Context& context, weights<Context> w, cache<In, Context>& cache,
                       reads<Context, output<In>> dy, writes<Context, In> dx) {
    using device = typename Context::device;
    using W = typename Context::weight;
    using kernels::op;
    const std::size_t rows = dy.size() / Out;
    const arena_scope guard{context.workspace};
    W* const drows = context.workspace.template allocate<W>(Out * width<In>);
    kernels::gemm<device>::run(context, op::transposed, op::none, Out, width<In>, rows, dy.data, cache.x.data,
                               drows, kernels::write_mode::overwrite);
    kernels::for_each_row<device>::run(context, Out,
                                       kernels::detail::normalise_rows_gradient<W, W, W>{
                                           width<In>, 1, w.at(Out).value, drows, cache.factor,
                                           w.at(Out).gradient, kernels::write_mode::accumulate, largest,
                                           w.value, Gain == weight_gain::learned ? w.gradient : nullptr});
    if (dx.data)
      kernels::gemm<device>::run(context, op::none, op::none, rows, width<In>, Out, dy.data, cache.rows,
                                 dx.data, kernels::write_mode::overwrite);
  }

  template <class Context, Shape In>
  static void infer(Context& context, weights<Context> w, reads<Context, In> x,
                    writes<Context, output<In>> y) {
    const arena_scope guard{context.workspace};
    run(context, w, x, y, context.workspace.template allocate<typename Context::activation>(Out * width<In>),
        nullptr);
  }

 private:
  static constexpr double largest = kernels::detail::torch_max_inverse_norm;

  template <class Context, Shape In>
  static void run(Context& context, weights<Context> w, reads<Context, In> x, writes<Context, output<In>> y,
                  typename Context::activation* rows, double* factor) {
    using device = typename Context::device;
    using T = typename Context::activation;
    using W = typename Context::weight;
    kernels::for_each_row<device>::run(
        context, Out,
        kernels::detail::normalise_rows<W, T>{width<In>, w.at(Out).value, rows, factor, largest, w.value});
    kernels::linear<device>::forward(context, {y.size() / Out, width<In>, Out}, x.data,
                                     static_cast<const T*>(rows), kernels::linear_epilogue<T, W>{}, y.data);
  }
};

}  // namespace pretext::inline v0_1
