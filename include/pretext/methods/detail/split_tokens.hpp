// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include <pretext/core/context.hpp>
#include <pretext/core/host_device.hpp>
#include <pretext/core/tensor.hpp>
#include <pretext/kernels/parallel_for.hpp>

namespace pretext::inline v0_1::detail {

/// Where the class token and the patches are among an image's tokens: the first, and the last `patches`.
struct token_places {
  std::size_t tokens, patches, width;
};

/// One element of the class tokens (n, width) or of the patches (n·patches, width) of sequences of tokens.
template <class T>
struct split_tokens {
  token_places at;
  const T* tokens;
  T *classes, *patches;

  PRETEXT_HOST_DEVICE void operator()(std::size_t i) const {
    const std::size_t channel = i % at.width, token = i / at.width % at.tokens,
                      image = i / at.width / at.tokens, before = at.tokens - at.patches;
    if (token == 0)
      classes[image * at.width + channel] = tokens[i];
    else if (token >= before)
      patches[(image * at.patches + token - before) * at.width + channel] = tokens[i];
  }
};

/// One element of the sequences' gradient; that of tokens which are neither is 0.
template <class T>
struct join_tokens {
  token_places at;
  const T *classes, *patches;
  T* tokens;

  PRETEXT_HOST_DEVICE void operator()(std::size_t i) const {
    const std::size_t channel = i % at.width, token = i / at.width % at.tokens,
                      image = i / at.width / at.tokens, before = at.tokens - at.patches;
    tokens[i] = token == 0       ? classes[image * at.width + channel]
                : token < before ? static_cast<T>(0.)
                                 : patches[(image * at.patches + token - before) * at.width + channel];
  }
};

/// Features and scores of class tokens and of patches, or the gradients of these.
template <class Context, Shape Feature, Shape Scores, Shape PatchScores>
struct token_outputs {
  writes<Context, Feature> h, patches;
  writes<Context, Scores> scores;
  writes<Context, PatchScores> patch_scores;

  /// Memory for so many class tokens and patches among the activations.
  token_outputs(Context& context, std::size_t class_tokens, std::size_t patch_tokens)
      : h{allocate<Feature>(context, class_tokens)},
        patches{allocate<Feature>(context, patch_tokens)},
        scores{allocate<Scores>(context, class_tokens)},
        patch_scores{allocate<PatchScores>(context, patch_tokens)} {}

 private:
  template <Shape S>
  static writes<Context, S> allocate(Context& context, std::size_t rows) {
    return context.activations.template allocate<typename Context::activation, S>(rows);
  }
};

}  // namespace pretext::inline v0_1::detail
