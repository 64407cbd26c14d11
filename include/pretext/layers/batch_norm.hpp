// SPDX-License-Identifier: MIT
#pragma once
// The arithmetic is separate from the layer because `fused_convolution` needs it with other tensors: the
// input of its normalisation is the convolution's output, which backward overwrites.
#include <cstdint>
#include <span>

#include <pretext/core/concepts.hpp>
#include <pretext/core/expects.hpp>
#include <pretext/distributed/communicator.hpp>
#include <pretext/kernels/batch_norm.hpp>
#include <pretext/kernels/channel_moments.hpp>

namespace pretext::inline v0_1 {

/// What batch norm learns: scale γ and shift β, γ alone (the last layer of SimCLR's official head), or
/// nothing.
enum class affine { both, scale, none };

/// The initial value of γ: one, or zero for the last batch norm of a residual branch (Goyal et al. 2017).
enum class initial_scale { one, zero };

/// Constants of batch norm in torch: ε, and the part of the running statistics that each step replaces, which
/// TensorFlow calls a momentum of 0.9.
struct torch_batch_norm {
  static constexpr double epsilon = 1e-5, momentum = 0.1;
};

namespace detail {

/// The arithmetic of batch norm without its tensors, which belong to the caller: to the layer `batch_norm`,
/// or to `fused_convolution`, which shares them with its convolution. The slice of the flat buffer is [γ] [β]
/// running mean, running variance, as in torch.
template <affine Affine, initial_scale Start, class Constants = torch_batch_norm>
struct normalisation {
  static constexpr bool scaled = Affine != affine::none, shifted = Affine == affine::both;
  static constexpr double epsilon = Constants::epsilon, momentum = Constants::momentum;

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

  /// The parts of the slice; null if not learned.
  template <std::size_t C, class W>
  struct slice_parts {
    W *weight, *bias, *running_mean, *running_variance;
    explicit slice_parts(W* slice)
        : weight{slice && scaled ? slice : nullptr},
          bias{slice && shifted ? slice + C : nullptr},
          running_mean{slice ? slice + (scaled ? C : 0) + (shifted ? C : 0) : nullptr},
          running_variance{running_mean ? running_mean + C : nullptr} {}
  };

  template <class Context>
  struct cache {
    std::size_t groups = 1;
    kernels::channel_norms<typename Context::weight> norms{};
    kernels::relu_outputs<typename Context::activation> outputs{};
  };

  /// `forward` in three parts: memory for the cache, the statistics of x, which also update the running ones,
  /// and y. Statistics come from x, from its moments, or from its sums (2, C).
  template <std::size_t C, class Context>
  static void prepare(Context& context, std::size_t rows, cache<Context>& cache) {
    using W = typename Context::weight;
    cache.groups = context.step.batch_norm_groups;
    expects(rows * distributed::shards_of(context) > cache.groups,
            "batch norm has one value per channel to "
            "normalise, whose result is always 0: train with a batch of at least two images");
    const auto per_channel = [&] { return context.activations.template allocate<W>(cache.groups * C); };
    cache.norms = {per_channel(), per_channel(), per_channel(), per_channel()};
  }
  template <std::size_t C, class Context, class T>
  static void statistics(Context& context, typename Context::weight* slice, std::size_t rows, const T* x,
                         const cache<Context>& cache) {
    kernels::batch_norm<typename Context::device>::statistics(context, rows, C, cache.groups, x,
                                                              parameters_at<C>(slice), cache.norms);
  }
  template <std::size_t C, class Context>
  static void statistics_of_moments(Context& context, typename Context::weight* slice, std::size_t rows,
                                    const kernels::channel_moments& moments, const cache<Context>& cache) {
    kernels::batch_norm<typename Context::device>::finalize(context, rows, C, moments,
                                                            parameters_at<C>(slice), cache.norms);
  }
  template <std::size_t C, class Context, class W>
  static void statistics_of_sums(Context& context, W* slice, std::size_t rows, const W* sums,
                                 const cache<Context>& cache) {
    kernels::batch_norm<typename Context::device>::statistics_of_sums(context, rows, C, sums,
                                                                      parameters_at<C>(slice), cache.norms);
  }
  /// The running statistics, which `statistics` updates.
  template <std::size_t C, class W>
  static std::span<W> running_statistics(W* slice) {
    return {slice_parts<C, W>{slice}.running_mean, slice ? 2 * C : 0};
  }

  /// Computes y, and keeps in the cache what backward needs of it.
  template <std::size_t C, class Context, class T>
  static void finish(Context& context, std::size_t rows, const T* x, const T* shortcut, bool relu, T* y,
                     cache<Context>& cache) {
    using kernel = kernels::batch_norm<typename Context::device>;
    cache.outputs = {};
    if constexpr (kernels::stores_signs<typename Context::device>) {
      if (relu && shortcut) {
        using W = typename Context::weight;
        std::uint8_t* const signs =
            context.activations.template allocate<std::uint8_t>(kernel::template sign_bytes<T>(rows, C));
        const W *scale = cache.norms.scale, *shift = cache.norms.shift;
        if (kernel::apply_with_signs(context, rows, C, cache.groups, x, scale, shift, shortcut, y, signs))
          cache.outputs.signs = signs;
        else
          cache.outputs.y = y;
        return;
      }
    }
    apply<C>(context, rows, x, shortcut, relu, y, cache);
    if (relu && shortcut) cache.outputs.y = y;
  }

  /// y = norm(x) (+ shortcut), then ReLU if `relu`; updates the running statistics. `shortcut` may be null.
  template <std::size_t C, class Context, class T>
  static void forward(Context& context, typename Context::weight* slice, std::size_t rows, const T* x,
                      const T* shortcut, bool relu, T* y, cache<Context>& cache) {
    prepare<C>(context, rows, cache);
    statistics<C>(context, slice, rows, x, cache);
    finish<C>(context, rows, x, shortcut, relu, y, cache);
  }

  /// Computes the y of `forward` from x and the cache; a second time, it has the same bits.
  template <std::size_t C, class Context, class T>
  static void apply(Context& context, std::size_t rows, const T* x, const T* shortcut, bool relu, T* y,
                    const cache<Context>& cache) {
    using W = typename Context::weight;
    const W *scale = cache.norms.scale, *shift = cache.norms.shift;
    kernels::batch_norm<typename Context::device>::apply(context, rows, C, cache.groups, x, scale, shift,
                                                         shortcut, relu, y);
  }

  /// dx and, unless null, dshortcut of the same. dx may be the memory of x, dshortcut that of dy.
  template <std::size_t C, class Context, class T>
  static void backward(Context& context, weights<Context> w, const cache<Context>& cache, std::size_t rows,
                       const T* dy, bool relu, const T* x, T* dx, T* dshortcut) {
    const slice_parts<C, typename Context::weight> p{w.value}, gradient{w.gradient};
    kernels::batch_norm<typename Context::device>::backward(context, rows, C, cache.groups, dy, relu,
                                                            cache.outputs, x, cache.norms, p.weight,
                                                            gradient.weight, gradient.bias, dx, dshortcut);
  }

  /// One scale and one shift per channel for inference, from the running statistics.
  template <std::size_t C, class Context, class W>
  static void running(Context& context, W* slice, W* scale, W* shift) {
    const slice_parts<C, W> p{slice};
    kernels::batch_norm<typename Context::device>::fold_running(
        context, C, p.running_mean, p.running_variance, W(epsilon), p.weight, p.bias, scale, shift);
  }

 private:
  template <std::size_t C, class W>
  static kernels::norm_parameters<W> parameters_at(W* slice) {
    const slice_parts<C, W> p{slice};
    return {W(epsilon), W(momentum), p.weight, p.bias, p.running_mean, p.running_variance};
  }
};

}  // namespace detail

/// Normalises each channel over the batch and all positions (Ioffe & Szegedy 2015), with ε and the momentum
/// of the running statistics (unbiased variance) from `Constants`, by default torch's 1e-5 and 0.1. Training
/// throws std::invalid_argument for a single value per channel. `context.step.batch_norm_groups` equal parts
/// of the batch have statistics of their own. Where a communicator connects the shards of a batch, statistics
/// are those of the whole batch, as in torch's SyncBatchNorm.
template <affine Affine = affine::both, initial_scale Start = initial_scale::one,
          class Constants = torch_batch_norm>
struct batch_norm {
  using math = detail::normalisation<Affine, Start, Constants>;

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
    T* const to = dx.data ? dx.data : context.workspace.template allocate<T>(dy.size());
    math::template backward<channels_of<In>>(context, w, cache.norm, dy.batch * position_count<In>, dy.data,
                                             false, cache.x.data, to, static_cast<T*>(nullptr));
  }

  template <class Context, Shape In>
  static void infer(Context& context, weights<Context> w, reads<Context, In> x, writes<Context, In> y) {
    using T = typename Context::activation;
    constexpr std::size_t C = channels_of<In>;
    const arena_scope guard{context.workspace};
    using W = typename Context::weight;
    W* const scale = context.workspace.template allocate<W>(C);
    W* const shift = context.workspace.template allocate<W>(C);
    math::template running<C>(context, w.value, scale, shift);
    kernels::batch_norm<typename Context::device>::apply(context, x.batch * position_count<In>, C, 1, x.data,
                                                         scale, shift, static_cast<const T*>(nullptr), false,
                                                         y.data);
  }
};

}  // namespace pretext::inline v0_1
