// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include <pretext/core/expects.hpp>
#include <pretext/core/image.hpp>
#include <pretext/evaluation/alike_images.hpp>
#include <pretext/evaluation/collapse.hpp>
#include <pretext/runtime/any_trainer.hpp>
#include <pretext/runtime/run_state.hpp>

namespace pretext::inline v0_1::detail {

/// Tests the embeddings of the last step for collapse. The trainer's embeddings must not be empty.
inline collapse_report test_last_embeddings(any_trainer& trainer) {
  const auto z = trainer.last_embeddings();
  return detect_collapse(
      feature_table{z.values.size() / z.width, z.width, {z.values.begin(), z.values.end()}, {}}, {}, z.views);
}

/// Do embeddings differ at least half as much as after the first step? The class tokens of a vision
/// transformer are nearly the same for all images before it is trained, and training drives them apart.
inline bool differ_as_at_start(const collapse_report& now, const run_state& state) {
  return state.measured_start && now.std > state.first_spread / 2 &&
         now.effective_rank > state.first_rank / 2;
}

/// Does a run of `steps` steps end because of this report? Not in its first tenth, in which embeddings may
/// look collapsed, nor in its first half if they differ as they did after the first step. NaN and infinity
/// end it at once.
inline bool ends_run(const collapse_report& now, const run_state& state, std::size_t steps) {
  if (now.not_finite > 0) return true;
  if (!now.collapsed || state.step < steps / 10) return false;
  return state.step >= steps / 2 || !differ_as_at_start(now, state);
}

/// The message about a collapse. `images`: those of the step, empty if the host does not have them; if they
/// are nearly the same, the message names them as the cause.
inline std::string collapse_verdict(const collapse_report& found, any_trainer& trainer,
                                    std::span<const image_view> images) {
  const auto some = images.first(std::min<std::size_t>(images.size(), 64));
  std::vector<float> pixels;
  if (found.not_finite == 0 && !some.empty()) trainer.evaluation_views(some, pixels);
  if (!pixels.empty() && alike_images(pixels, pixels.size() / some.size()))
    return str_cat(found.finding, " The pictures are the cause: the ", images.size(),
                   " of this batch are blank or nearly the same, and embeddings cannot differ where pictures "
                   "do not. Look at them, and leave out blank ones and copies.");
  return found.verdict_with(trainer.collapse_advice());
}

/// The consecutive rows of metrics.csv with a loss at chance after which a run ends.
inline constexpr std::size_t max_rows_at_chance = 4;

/// Has a run of `steps` steps learned nothing by its middle: is its loss that of embeddings which are all
/// alike, `chance`, to a thousandth? Not before step 200, nor for so few images that their loss says little.
inline bool is_at_chance(const run_state& state, std::size_t steps, std::size_t images, double chance) {
  return chance > 0 && images >= collapse_report::min_images &&
         state.step >= std::max(steps / 2, std::size_t{200}) &&
         std::abs(state.loss - chance) <= chance / 1000;
}

/// The message about a loss that stays at chance.
inline std::string chance_verdict(const run_state& state, const any_trainer& trainer) {
  return str_cat("nothing is learned: the loss stays at ", three_digits(state.loss),
                 ", that of embeddings which are all alike. ", trainer.collapse_advice());
}

}  // namespace pretext::inline v0_1::detail
