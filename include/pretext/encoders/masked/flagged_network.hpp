// SPDX-License-Identifier: MIT
#pragma once
// The mask modes of masked_network.hpp select patches by lists, of one length in a batch. Here any number of
// an image's patches is masked, by a byte for each, and no list is needed, because a token replaces them in
// place.
#include <array>
#include <cstddef>
#include <cstdint>

#include <pretext/core/macs.hpp>
#include <pretext/encoders/concepts.hpp>
#include <pretext/kernels/for_each_row.hpp>
#include <pretext/kernels/parallel_for.hpp>

namespace pretext::inline v0_1::detail {

/// One element of the embeddings of patches: the token's if the patch is masked.
template <class T, class W>
struct replace_masked {
  std::size_t width;
  const std::uint8_t* masked;
  const W* token;
  T* x;

  PRETEXT_HOST_DEVICE void operator()(std::size_t i) const {
    if (masked[i / width]) x[i] = static_cast<T>(token[i % width]);
  }
};

/// One channel of the embeddings' gradient: adds the part of masked patches to the token's, and clears it.
template <class T, class W>
struct move_masked_gradient {
  std::size_t rows, width;
  const std::uint8_t* masked;
  T* dx;
  W* dtoken;

  template <class Team>
  PRETEXT_HOST_DEVICE void operator()(std::size_t channel, const Team& team) const {
    T* const column = dx + channel;
    const std::uint8_t* const flags = masked;
    const std::size_t step = width;
    const double sum =
        team.sum(rows, [&](std::size_t r) { return flags[r] ? double(column[r * step]) : 0.; });
    team.each(rows, [&](std::size_t r) {
      if (flags[r]) column[r * step] = static_cast<T>(0.);
      if (r == 0) dtoken[channel] = static_cast<W>(double(dtoken[channel]) + sum);
    });
  }
};

/// A `PatchEncoder` on images of which some patches are masked, to all tokens after its last norm: those
/// before the patches, then one for each patch. A learned token replaces the embedding of a masked patch
/// before positions are added. Its weights, `token_parameters`, are no part of the encoder's slice.
template <class Encoder, class Images>
struct flagged_network {
  static_assert(PatchEncoder<Encoder, Images>,
                "pretext: masked images need an encoder of patches, such as vit<>; the concept PatchEncoder "
                "lists the parts that it must have.");
  using embedding = typename Encoder::embedding;
  using patches = output_of<embedding, Images>;
  using position_embedding = typename Encoder::template position_embedding<Images>;
  using trunk = typename Encoder::trunk;
  using output = output_of<position_embedding, patches>;
  static constexpr std::size_t width = channels_of<patches>;
  static constexpr std::size_t prefix =
      output::extents[0] - patches::extents[0];  ///< tokens before the patches
  static constexpr std::size_t macs = pretext::macs<embedding, Images> + pretext::macs<trunk, output>;

  /// The token starts as zeros, and has weight decay.
  static consteval auto token_parameters() {
    return with_depth(0, std::array{parameter{"mask_token", {1, width}, initialiser::constant(0)}});
  }

  template <class Context>
  struct cache {
    cache_of<embedding, Images, Context> embedded;
    cache_of<position_embedding, patches, Context> positioned;
    cache_of<trunk, output, Context> body;
  };

  template <class Context>
  static void forward(Context& context, weights<Context> w, weights<Context> token,
                      const std::uint8_t* masked, reads<Context, Images> x, writes<Context, output> y,
                      cache<Context>& cache) {
    using T = typename Context::activation;
    using W = typename Context::weight;
    const auto sequence = context.activations.template allocate<T, output>(x.batch);
    {
      const arena_scope guard{context.workspace};
      const auto embedded = context.workspace.template allocate<T, patches>(x.batch);
      embedding::forward(context, w.at(embedding_at), x, embedded, cache.embedded);
      kernels::parallel_for<typename Context::device>::run(
          context, embedded.size(), replace_masked<T, W>{width, masked, token.value, embedded.data});
      position_embedding::forward(context, w, reads<Context, patches>{embedded}, sequence, cache.positioned);
    }
    trunk::forward(context, w.at(trunk_at), reads<Context, output>{sequence}, y, cache.body);
  }

  template <class Context>
  static void backward(Context& context, weights<Context> w, weights<Context> token,
                       const std::uint8_t* masked, cache<Context>& cache, reads<Context, output> dy) {
    using T = typename Context::activation;
    using W = typename Context::weight;
    const arena_scope guard{context.workspace};
    const auto dsequence = context.workspace.template allocate<T, output>(dy.batch);
    const auto dembedded = context.workspace.template allocate<T, patches>(dy.batch);
    trunk::backward(context, w.at(trunk_at), cache.body, dy, dsequence);
    position_embedding::backward(context, w, cache.positioned, reads<Context, output>{dsequence}, dembedded);
    kernels::for_each_row<typename Context::device>::run(
        context, width,
        move_masked_gradient<T, W>{dembedded.size() / width, width, masked, dembedded.data, token.gradient});
    embedding::backward(context, w.at(embedding_at), cache.embedded, reads<Context, patches>{dembedded},
                        writes<Context, Images>{nullptr, dy.batch});
  }

  /// The tokens of whole images.
  template <class Context>
  static void infer(Context& context, weights<Context> w, reads<Context, Images> x,
                    writes<Context, output> y) {
    using T = typename Context::activation;
    const arena_scope guard{context.workspace};
    const auto embedded = context.workspace.template allocate<T, patches>(x.batch);
    const auto sequence = context.workspace.template allocate<T, output>(x.batch);
    embedding::infer(context, w.at(embedding_at), x, embedded);
    position_embedding::infer(context, w, reads<Context, patches>{embedded}, sequence);
    trunk::infer(context, w.at(trunk_at), reads<Context, output>{sequence}, y);
  }

 private:
  static constexpr std::size_t embedding_at = Encoder::template embedding_at<Images>,
                               trunk_at = Encoder::template trunk_at<Images>;
};

}  // namespace pretext::inline v0_1::detail
