// SPDX-License-Identifier: MIT
#pragma once
#include <pretext/core/macs.hpp>
#include <pretext/kernels/shuffled_tokens.hpp>
#include <pretext/layers/linear.hpp>
#include <pretext/layers/sequential.hpp>
#include <pretext/masking/masks.hpp>

namespace pretext::inline v0_1 {

/// SimMIM's decoder (Xie et al. 2022, §3.4): one linear layer from the token of a patch to the pixels of that
/// patch, run on the masked patches alone: (tokens, D) to (masked, patch_dim). The encoder must give a token
/// for every patch, as with `mask_tokens`. The parameter path is the official one; pixels are ordered (row,
/// column, channel), in the official code (channel, row, column).
struct linear_decoder {
  template <Shape In, class Masks>
  using output = shape<Masks::masked, Masks::grid::patch_dim>;

  template <Shape In, class Masks>
  static consteval auto parameters() {
    static_assert(In::extents[0] >= Masks::grid::patches,
                  "pretext::linear_decoder: it needs a token for every patch; use mask_mode<mask_tokens>.");
    return parameters_of<predict<Masks>, masked<In, Masks>>;
  }

  template <Shape In, class Masks>
  static consteval std::size_t macs() {
    return pretext::macs<predict<Masks>, masked<In, Masks>>;
  }

 private:
  template <Shape In, class Masks>
  static constexpr kernels::token_extents extents{In::extents[0] - Masks::grid::patches, Masks::grid::patches,
                                                  channels_of<In>};
  template <Shape In, class Masks>
  using masked = shape<Masks::masked, channels_of<In>>;
  template <class Masks>
  using predict = sequential<named<"decoder", sequential<linear<Masks::grid::patch_dim>>>>;

 public:
  template <Shape In, class Masks, class Context>
  using cache = cache_of<predict<Masks>, masked<In, Masks>, Context>;

  template <class Context, Shape In, class Masks>
  static void forward(Context& context, weights<Context> w, const Masks& masks, reads<Context, In> x,
                      writes<Context, output<In, Masks>> y, cache<In, Masks, Context>& cache) {
    const auto of_masked =
        context.activations.template allocate<typename Context::activation, masked<In, Masks>>(x.batch);
    kernels::gather_tokens<typename Context::device>::forward(context, extents<In, Masks>, x.batch,
                                                              masks.masked_patches(), x.data, of_masked.data);
    predict<Masks>::forward(context, w, reads<Context, masked<In, Masks>>{of_masked}, y, cache);
  }

  template <class Context, Shape In, class Masks>
  static void backward(Context& context, weights<Context> w, const Masks& masks,
                       cache<In, Masks, Context>& cache, reads<Context, output<In, Masks>> dy,
                       writes<Context, In> dx) {
    using T = typename Context::activation;
    const arena_scope guard{context.workspace};
    const auto dmasked = context.workspace.template allocate<T, masked<In, Masks>>(dy.batch);
    predict<Masks>::backward(context, w, cache, dy, dmasked);
    kernels::gather_tokens<typename Context::device>::backward(context, extents<In, Masks>, dy.batch,
                                                               masks.masked_patches(),
                                                               static_cast<const T*>(dmasked.data), dx.data);
  }

  /// Predictions for every patch, masked or visible, in the image's order: (patches, patch_dim).
  template <class Context, Shape In, class Masks, Shape All>
  static void infer(Context& context, weights<Context> w, const Masks&, reads<Context, In> x,
                    writes<Context, All> y) {
    using patches = shape<Masks::grid::patches, channels_of<In>>;
    const arena_scope guard{context.workspace};
    const auto of_patches =
        context.workspace.template allocate<typename Context::activation, patches>(x.batch);
    kernels::gather_tokens<typename Context::device>::forward(
        context, extents<In, Masks>, x.batch, {Masks::grid::patches}, x.data, of_patches.data);
    predict<Masks>::infer(context, w, reads<Context, patches>{of_patches}, y);
  }
};

}  // namespace pretext::inline v0_1
