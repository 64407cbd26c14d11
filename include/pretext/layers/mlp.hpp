#pragma once
#include <cstddef>

#include <pretext/core/concepts.hpp>
#include <pretext/core/macs.hpp>
#include <pretext/kernels/linear.hpp>
#include <pretext/layers/linear.hpp>

namespace pretext {

/// A transformer's perceptron: linear to `Ratio` times the width, exact GELU, linear back; (…, D) to (…, D).
/// Paths are timm's: fc1, fc2.
template <std::size_t Ratio = 4, class Init = xavier_uniform>
struct mlp {
  template <Shape In>
  static constexpr std::size_t width = channels_of<In>;
  template <Shape In>
  using widened = linear<Ratio * width<In>, bias::yes, Init>;
  template <Shape In>
  using hidden = output_of<widened<In>, In>;
  template <Shape In>
  using narrowed = linear<width<In>, bias::yes, Init>;

  template <Shape In>
    requires(In::rank == 1 || In::rank == 2)
  using output = In;

  template <Shape In>
  static consteval auto parameters() {
    auto first = parameters_of<widened<In>, In>;
    auto second = parameters_of<narrowed<In>, hidden<In>>;
    for (auto& p : first) p = p.under("fc1", 0);
    for (auto& p : second) p = p.under("fc2", 0);
    return concatenate(first, second);
  }

  template <Shape In>
  static consteval std::size_t macs() {
    return pretext::macs<widened<In>, In> + pretext::macs<narrowed<In>, hidden<In>>;
  }

  template <Shape In, class Context>
  struct cache {
    reads<Context, In> x;
    reads<Context, hidden<In>> slope, activated;
  };

  /// `epilogue` is a residual sum that the result enters.
  template <class Context, Shape In>
  static void forward(Context& context, weights<Context> w, reads<Context, In> x, writes<Context, In> y,
                      cache<In, Context>& cache, const linear_epilogue<Context>& epilogue = {}) {
    using T = typename Context::activation;
    const auto slope = context.activations.template allocate<T, hidden<In>>(x.batch);
    const auto activated = context.activations.template allocate<T, hidden<In>>(x.batch);
    run(context, w, x, activated, slope.data, y, epilogue);
    cache.x = x;
    cache.slope = slope;
    cache.activated = activated;
  }

  template <class Context, Shape In>
  static void backward(Context& context, weights<Context> w, cache<In, Context>& cache, reads<Context, In> dy,
                       writes<Context, In> dx) {
    using T = typename Context::activation;
    constexpr std::size_t wide = channels_of<hidden<In>>;
    const arena_scope guard{context.workspace};
    const auto dinside = context.workspace.template allocate<T, hidden<In>>(dy.batch);
    cache_of<narrowed<In>, hidden<In>, Context> last{cache.activated};
    narrowed<In>::backward(context, w.at(last_at<In>), last, dy,
                           writes<Context, hidden<In>>{nullptr, dy.batch});
    kernels::linear<typename Context::device>::backward_gelu(
        context, {dy.batch * position_count<In>, wide, width<In>}, dy.data, w.at(last_at<In>).operands(),
        cache.slope.data, dinside.data, w.at(wide * width<In>).gradient);
    cache_of<linear<wide, bias::no>, In, Context> first{cache.x};
    linear<wide, bias::no>::backward(context, w, first, reads<Context, hidden<In>>{dinside}, dx);
  }

  template <class Context, Shape In>
  static void infer(Context& context, weights<Context> w, reads<Context, In> x, writes<Context, In> y,
                    const linear_epilogue<Context>& epilogue = {}) {
    using T = typename Context::activation;
    const arena_scope guard{context.workspace};
    const auto activated = context.workspace.template allocate<T, hidden<In>>(x.batch);
    run(context, w, x, activated, static_cast<T*>(nullptr), y, epilogue);
  }

 private:
  template <Shape In>
  static constexpr std::size_t last_at = weight_count<widened<In>, In>;

  template <class Context, Shape In, Shape Hidden, class T>
  static void run(Context& context, weights<Context> w, reads<Context, In> x,
                  writes<Context, Hidden> activated, T* slope, writes<Context, In> y,
                  const linear_epilogue<Context>& epilogue) {
    using W = typename Context::weight;
    constexpr std::size_t wide = channels_of<Hidden>;
    kernels::linear<typename Context::device>::forward_gelu(
        context, {y.batch * position_count<In>, width<In>, wide}, x.data, w.operands(),
        static_cast<const W*>(w.at(wide * width<In>).value), activated.data, slope);
    narrowed<In>::infer(context, w.at(last_at<In>), reads<Context, Hidden>{activated}, y, epilogue);
  }
};

}  // namespace pretext
