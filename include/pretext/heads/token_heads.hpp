// SPDX-License-Identifier: MIT
#pragma once
// The heads of methods that compare class tokens and patch tokens. Three forms: one head for both, an
// `ibot_head` with a last layer for each, or two heads.
#include <cstddef>

#include <pretext/core/concepts.hpp>
#include <pretext/core/macs.hpp>
#include <pretext/heads/concepts.hpp>

namespace pretext::inline v0_1 {

namespace detail {

/// A layer on a later part of its parent's slice, which is that of a feature `Before` follows.
template <class Before, class L>
struct layer_after {
  template <Shape In>
  using output = output_of<L, In>;
  template <Shape In>
  static consteval auto parameters() {
    return concatenate(parameters_of<Before, In>, parameters_of<L, In>);
  }
  template <Shape In>
  static consteval std::size_t macs() {
    return pretext::macs<L, In>;
  }
  template <Shape In, class Context>
  using cache = cache_of<L, In, Context>;

  template <class Context, Shape In>
  static void forward(Context& context, weights<Context> w, reads<Context, In> x,
                      writes<Context, output<In>> y, cache<In, Context>& cache) {
    L::forward(context, w.at(weight_count<Before, In>), x, y, cache);
  }
  template <class Context, Shape In>
  static void backward(Context& context, weights<Context> w, cache<In, Context>& cache,
                       reads<Context, output<In>> dy, writes<Context, In> dx) {
    L::backward(context, w.at(weight_count<Before, In>), cache, dy, dx);
  }
  template <class Context, Shape In>
  static void infer(Context& context, weights<Context> w, reads<Context, In> x,
                    writes<Context, output<In>> y) {
    L::infer(context, w.at(weight_count<Before, In>), x, y);
  }
};

}  // namespace detail

/// Two heads, for class tokens and for patch tokens (DINOv2, Oquab et al. 2024). Parameter paths are the
/// official ones: dino_head, then ibot_head, which are modules beside the backbone.
template <class ClassHead, class PatchHead = ClassHead>
struct separate_heads {
  using class_tokens = ClassHead;
  using patch_tokens = detail::layer_after<ClassHead, PatchHead>;
  static constexpr bool are_modules = true;

  template <Shape In>
  static consteval auto parameters() {
    return concatenate(prefixed("dino_head", parameters_of<ClassHead, In>),
                       prefixed("ibot_head", parameters_of<PatchHead, In>));
  }
};

namespace detail {

/// One head for class and patch tokens, unless H says what each of them is.
template <class H>
struct token_heads_of {
  struct type {
    using class_tokens = H;
    using patch_tokens = H;
    template <Shape In>
    static consteval auto parameters() {
      return parameters_of<H, In>;
    }
  };
};
template <class H>
  requires requires {
    typename H::class_tokens;
    typename H::patch_tokens;
  }
struct token_heads_of<H> {
  using type = H;
};

}  // namespace detail

/// The heads that H stands for: members `class_tokens` and `patch_tokens`, heads on the same slice, and
/// `parameters<In>()`. An ordinary `Head` is both of them.
template <class H>
using token_heads = typename detail::token_heads_of<H>::type;

/// Has H a head for features of class tokens and one for those of patches?
template <class H, class In>
concept TokenHeads = Head<typename token_heads<H>::class_tokens, In> &&
    Head<typename token_heads<H>::patch_tokens, In> && requires {
  { token_heads<H>::template parameters<In>().size() } -> std::convertible_to<std::size_t>;
};

}  // namespace pretext::inline v0_1
