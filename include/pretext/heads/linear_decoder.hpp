#pragma once
#include <pretext/core/macs.hpp>
#include <pretext/kernels/shuffled_tokens.hpp>
#include <pretext/layers/linear.hpp>
#include <pretext/layers/sequential.hpp>
#include <pretext/masking/masks.hpp>

namespace pretext {

/// SimMIM's decoder (Xie et al. 2022, §3.4): one linear layer from an encoder's token of a patch to the
/// numbers of that patch, run on the hidden ones alone. Its encoder has a token for every patch. The path is
/// the official one; the numbers of a patch come as (row, column, channel), the official code has the channel
/// first.
struct linear_decoder {
  template <Shape In, class Masks>
  using output = shape<Masks::masked, Masks::grid::patch_dim>;

  template <Shape In, class Masks>
  static consteval auto parameters() {
    return parameters_of<exit<Masks>, masked<In, Masks>>;
  }

  template <Shape In, class Masks>
  static consteval std::size_t macs() {
    return pretext::macs<exit<Masks>, masked<In, Masks>>;
  }

 private:
  template <Shape In, class Masks>
  static constexpr kernels::token_extents extents{In::extents[0] - Masks::grid::patches, Masks::grid::patches,
                                                  channels_of<In>};
  template <Shape In, class Masks>
  using masked = shape<Masks::masked, channels_of<In>>;
  template <class Masks>
  using exit = sequential<named<"decoder", sequential<linear<Masks::grid::patch_dim>>>>;

 public:
  template <Shape In, class Masks, class Context>
  using cache = cache_of<exit<Masks>, masked<In, Masks>, Context>;

  template <class Context, Shape In, class Masks>
  static void forward(Context& context, weights<Context> w, const Masks& masks, reads<Context, In> x,
                      writes<Context, output<In, Masks>> y, cache<In, Masks, Context>& cache) {
    const auto of_masked =
        context.activations.template allocate<typename Context::activation, masked<In, Masks>>(x.batch);
    kernels::gather_tokens<typename Context::device>::forward(context, extents<In, Masks>, x.batch,
                                                              masks.masked_patches(), x.data, of_masked.data);
    exit<Masks>::forward(context, w, reads<Context, masked<In, Masks>>{of_masked}, y, cache);
  }

  template <class Context, Shape In, class Masks>
  static void backward(Context& context, weights<Context> w, const Masks& masks,
                       cache<In, Masks, Context>& cache, reads<Context, output<In, Masks>> dy,
                       writes<Context, In> dx) {
    using T = typename Context::activation;
    const arena_scope guard{context.workspace};
    const auto dmasked = context.workspace.template allocate<T, masked<In, Masks>>(dy.batch);
    exit<Masks>::backward(context, w, cache, dy, dmasked);
    kernels::gather_tokens<typename Context::device>::backward(context, extents<In, Masks>, dy.batch,
                                                               masks.masked_patches(),
                                                               static_cast<const T*>(dmasked.data), dx.data);
  }

  /// Predictions for every place, hidden or visible, in the image's order: (places, numbers).
  template <class Context, Shape In, class Masks, Shape All>
  static void infer(Context& context, weights<Context> w, const Masks&, reads<Context, In> x,
                    writes<Context, All> y) {
    using patches = shape<Masks::grid::patches, channels_of<In>>;
    const arena_scope guard{context.workspace};
    const auto of_patches =
        context.workspace.template allocate<typename Context::activation, patches>(x.batch);
    kernels::gather_tokens<typename Context::device>::forward(
        context, extents<In, Masks>, x.batch, {Masks::grid::patches}, x.data, of_patches.data);
    exit<Masks>::infer(context, w, reads<Context, patches>{of_patches}, y);
  }
};

}  // namespace pretext
