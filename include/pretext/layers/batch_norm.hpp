#pragma once
#include <pretext/core/concepts.hpp>
#include <pretext/kernels/batch_norm.hpp>
#include <pretext/kernels/channel_moments.hpp>

namespace pretext {

/// What batch norm learns: scale γ and shift β, γ alone (the end of SimCLR's official head), or nothing.
enum class affine { both, scale, none };

/// Where γ starts: one, or zero for the last of a residual branch (Goyal et al. 2017).
enum class initial_scale { one, zero };

namespace detail {

/// Batch norm's mathematics for whoever keeps its tensors: the layer, and the fused convolution unit.
/// Slice of the flat buffer: [γ] [β] running mean, running variance, as in torch.
template <affine Affine, initial_scale Start>
struct normalisation {
  static constexpr bool scaled = Affine != affine::none, shifted = Affine == affine::both;
  static constexpr double epsilon = 1e-5, momentum = 0.1;  // torch's; 0.9 in TensorFlow's words

  template <std::size_t C>
  static consteval auto parameters() {
    constexpr std::size_t learned = (scaled ? 1 : 0) + (shifted ? 1 : 0);
    pretext::parameters<learned + 2> table{};
    std::size_t row = 0;
    if (scaled)
      table[row++] = parameter{
          "weight", {C}, initialiser::constant(Start == initial_scale::one ? 1 : 0), parameter_decay::no};
    if (shifted) table[row++] = parameter{"bias", {C}, initialiser::constant(0), parameter_decay::no};
    table[row++] =
        parameter{"running_mean", {C}, initialiser::constant(0), parameter_decay::no, parameter_role::buffer};
    table[row++] =
        parameter{"running_var", {C}, initialiser::constant(1), parameter_decay::no, parameter_role::buffer};
    return table;
  }

  /// The pieces of the slice, null where not learned.
  template <std::size_t C, class W>
  struct pieces {
    W *weight, *bias, *running_mean, *running_variance;
    explicit pieces(W* slice)
        : weight{slice && scaled ? slice : nullptr},
          bias{slice && shifted ? slice + C : nullptr},
          running_mean{slice ? slice + (scaled ? C : 0) + (shifted ? C : 0) : nullptr},
          running_variance{running_mean ? running_mean + C : nullptr} {}
  };

  template <class Context>
  struct cache {
    std::size_t groups = 1;
    typename Context::weight *mean = nullptr, *inverse = nullptr;
  };

  /// y = norm(x) (+ shortcut), rectified if asked; updates the running statistics.
  template <std::size_t C, class Context, class T>
  static void forward(Context& context, typename Context::weight* slice, std::size_t rows, const T* x,
                      const T* shortcut, bool relu, T* y, cache<Context>& cache) {
    using W = typename Context::weight;
    const pieces<C, W> own{slice};
    begin<C>(context, cache);
    kernels::batch_norm<typename Context::device>::statistics(context, rows, C, cache.groups, x, W(epsilon),
                                                              cache.mean, cache.inverse, W(momentum),
                                                              own.running_mean, own.running_variance);
    again<C>(context, slice, rows, x, shortcut, relu, y, cache);
  }

  /// The same where the moments of x are known.
  template <std::size_t C, class Context, class T>
  static void forward(Context& context, typename Context::weight* slice, std::size_t rows,
                      const kernels::channel_moments& moments, const T* x, const T* shortcut, bool relu, T* y,
                      cache<Context>& cache) {
    using W = typename Context::weight;
    const pieces<C, W> own{slice};
    begin<C>(context, cache);
    kernels::batch_norm<typename Context::device>::finalize(rows, C, moments, W(epsilon), cache.mean,
                                                            cache.inverse, W(momentum), own.running_mean,
                                                            own.running_variance);
    again<C>(context, slice, rows, x, shortcut, relu, y, cache);
  }

  /// The y of `forward` once more, bit for bit, from what it left behind.
  template <std::size_t C, class Context, class T>
  static void again(Context& context, typename Context::weight* slice, std::size_t rows, const T* x,
                    const T* shortcut, bool relu, T* y, const cache<Context>& cache) {
    using kernel = kernels::batch_norm<typename Context::device>;
    using W = typename Context::weight;
    const pieces<C, W> own{slice};
    const arena_scope guard{context.workspace};
    W* const scale = context.workspace.template allocate<W>(cache.groups * C);
    W* const shift = context.workspace.template allocate<W>(cache.groups * C);
    kernel::fold(context, C, cache.groups, cache.mean, cache.inverse, own.weight, own.bias, scale, shift);
    kernel::apply(context, rows, C, cache.groups, x, scale, shift, shortcut, relu, y);
  }

  /// dx (and dshortcut) of the same; `y` may be null where no shortcut was added. dx may be x, and dshortcut
  /// may be dy.
  template <std::size_t C, class Context, class T>
  static void backward(Context& context, weights<Context> w, const cache<Context>& cache, std::size_t rows,
                       const T* dy, bool relu, const T* y, const T* x, T* dx, T* dshortcut) {
    const pieces<C, typename Context::weight> own{w.value}, slope{w.gradient};
    kernels::batch_norm<typename Context::device>::backward(context, rows, C, cache.groups, dy, relu, y, x,
                                                            cache.mean, cache.inverse, own.weight, own.bias,
                                                            slope.weight, slope.bias, dx, dshortcut);
  }

  /// Inference as one scale and one shift per channel, from the running statistics.
  template <std::size_t C, class Context, class W>
  static void running(Context& context, W* slice, W* scale, W* shift) {
    const pieces<C, W> own{slice};
    kernels::batch_norm<typename Context::device>::fold_running(
        context, C, own.running_mean, own.running_variance, W(epsilon), own.weight, own.bias, scale, shift);
  }

 private:
  template <std::size_t C, class Context>
  static void begin(Context& context, cache<Context>& cache) {
    using W = typename Context::weight;
    cache.groups = context.groups;
    cache.mean = context.activations.template allocate<W>(cache.groups * C);
    cache.inverse = context.activations.template allocate<W>(cache.groups * C);
  }
};

}  // namespace detail

/// Normalises each channel over the batch and all places (Ioffe & Szegedy 2015), with torch's ε = 1e-5 and
/// running statistics (momentum 0.1, unbiased variance). `context.groups` parts of the batch are normalised
/// apart.
template <affine Affine = affine::both, initial_scale Start = initial_scale::one>
struct batch_norm {
  using math = detail::normalisation<Affine, Start>;

  template <Shape In>
  using output = In;

  template <Shape In>
  static consteval auto parameters() {
    return math::template parameters<channels_of<In>>();
  }

  template <Shape In, class Context>
  struct cache {
    reads<Context, In> x;
    typename math::template cache<Context> norm;
  };

  template <class Context, Shape In>
  static void forward(Context& context, weights<Context> w, reads<Context, In> x, writes<Context, In> y,
                      cache<In, Context>& cache) {
    cache.x = x;
    math::template forward<channels_of<In>>(context, w.value, x.batch * position_count<In>, x.data,
                                            static_cast<const typename Context::activation*>(nullptr), false,
                                            y.data, cache.norm);
  }

  template <class Context, Shape In>
  static void backward(Context& context, weights<Context> w, cache<In, Context>& cache, reads<Context, In> dy,
                       writes<Context, In> dx) {
    using T = typename Context::activation;
    const arena_scope guard{context.workspace};
    T* to = dx.data ? dx.data : context.workspace.template allocate<T>(dy.size());
    math::template backward<channels_of<In>>(context, w, cache.norm, dy.batch * position_count<In>, dy.data,
                                             false, static_cast<const T*>(nullptr), cache.x.data, to,
                                             static_cast<T*>(nullptr));
  }

  template <class Context, Shape In>
  static void infer(Context& context, weights<Context> w, reads<Context, In> x, writes<Context, In> y) {
    using T = typename Context::activation;
    constexpr std::size_t C = channels_of<In>;
    const arena_scope guard{context.workspace};
    using W = typename Context::weight;
    W *const scale = context.workspace.template allocate<W>(C), *const shift =
                                                                    context.workspace.template allocate<W>(C);
    math::template running<C>(context, w.value, scale, shift);
    kernels::batch_norm<typename Context::device>::apply(context, x.batch * position_count<In>, C, 1, x.data,
                                                         scale, shift, static_cast<const T*>(nullptr), false,
                                                         y.data);
  }
};

}  // namespace pretext
