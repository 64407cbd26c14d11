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
  using output = shape<Masks::hidden, Masks::grid::numbers>;

  template <Shape In, class Masks>
  static consteval auto parameters() {
    return parameters_of<exit<Masks>, hidden<In, Masks>>;
  }

  template <Shape In, class Masks>
  static consteval std::size_t macs() {
    return pretext::macs<exit<Masks>, hidden<In, Masks>>;
  }

 private:
  template <Shape In, class Masks>
  static constexpr kernels::token_extents extents{In::extents[0] - Masks::grid::places, Masks::grid::places,
                                                  channels_of<In>};
  template <Shape In, class Masks>
  using hidden = shape<Masks::hidden, channels_of<In>>;
  template <class Masks>
  using exit = sequential<named<"decoder", sequential<linear<Masks::grid::numbers>>>>;

 public:
  template <Shape In, class Masks, class Context>
  using cache = cache_of<exit<Masks>, hidden<In, Masks>, Context>;

  template <class Context, Shape In, class Masks>
  static void forward(Context& context, weights<Context> w, const Masks& masks, reads<Context, In> x,
                      writes<Context, output<In, Masks>> y, cache<In, Masks, Context>& cache) {
    const auto of_hidden =
        context.activations.template allocate<typename Context::activation, hidden<In, Masks>>(x.batch);
    kernels::gather_tokens<typename Context::device>::forward(context, extents<In, Masks>, x.batch,
                                                              masks.hidden_places(), x.data, of_hidden.data);
    exit<Masks>::forward(context, w, reads<Context, hidden<In, Masks>>{of_hidden}, y, cache);
  }

  template <class Context, Shape In, class Masks>
  static void backward(Context& context, weights<Context> w, const Masks& masks,
                       cache<In, Masks, Context>& cache, reads<Context, output<In, Masks>> dy,
                       writes<Context, In> dx) {
    using T = typename Context::activation;
    const arena_scope guard{context.workspace};
    const auto dhidden = context.workspace.template allocate<T, hidden<In, Masks>>(dy.batch);
    exit<Masks>::backward(context, w, cache, dy, dhidden);
    kernels::gather_tokens<typename Context::device>::backward(context, extents<In, Masks>, dy.batch,
                                                               masks.hidden_places(),
                                                               static_cast<const T*>(dhidden.data), dx.data);
  }

  /// Predictions for every place, hidden or visible, in the image's order: (places, numbers).
  template <class Context, Shape In, class Masks, Shape All>
  static void infer(Context& context, weights<Context> w, const Masks&, reads<Context, In> x,
                    writes<Context, All> y) {
    using places = shape<Masks::grid::places, channels_of<In>>;
    const arena_scope guard{context.workspace};
    const auto of_patches =
        context.workspace.template allocate<typename Context::activation, places>(x.batch);
    kernels::gather_tokens<typename Context::device>::forward(context, extents<In, Masks>, x.batch,
                                                              {Masks::grid::places}, x.data, of_patches.data);
    exit<Masks>::infer(context, w, reads<Context, places>{of_patches}, y);
  }
};

}  // namespace pretext
