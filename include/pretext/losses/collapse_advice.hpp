// SPDX-License-Identifier: MIT
#pragma once
#include <concepts>
#include <cstddef>
#include <string_view>

#include <pretext/core/cpp20.hpp>

// A loss may say what to try when the embeddings that it compares collapse: `static constexpr
// std::string_view collapse_advice`, one or two sentences. Runs add it to what they measured
// (evaluation/collapse.hpp). A loss that cannot be small for embeddings that are all alike may say how large
// it then is: `double chance(std::size_t images, std::size_t width) const`, of a batch of `images` images
// whose rows, scores of prototypes or embeddings, have `width` values. A loss that stays there has not begun
// to fall.
namespace pretext::inline v0_1::detail {

/// The advice of a loss; empty if it has none.
template <class L>
inline constexpr std::string_view collapse_advice{};
template <class L>
  requires requires {
    { L::collapse_advice } -> std::convertible_to<std::string_view>;
  }
inline constexpr std::string_view collapse_advice<L> = L::collapse_advice;

/// The loss of embeddings that are all alike; 0 where the loss does not say.
template <class L>
double chance_loss(const L& loss, std::size_t images, std::size_t width) {
  if constexpr (requires {
                  { loss.chance(images, width) } -> std::convertible_to<double>;
                })
    return loss.chance(images, width);
  else
    return 0;
}

/// Of losses that tell an image from others.
inline constexpr std::string_view advice_with_negatives =
    "The loss no longer tells images apart. Try a smaller learning rate or a longer warm-up, a lower "
    "temperature, more negatives (a larger batch or queue), and stronger augmentation, colour above all.";

/// Of losses that compare predictions with a target's embeddings and have no negatives.
inline constexpr std::string_view advice_without_negatives =
    "Without negatives only the predictor and the target prevent this. Check that no gradient reaches the "
    "target, that predictor and batch norm are in their places, and that weight decay is not 0; then try a "
    "smaller learning rate, or a target that moves more slowly if it is a moving average.";

}  // namespace pretext::inline v0_1::detail
