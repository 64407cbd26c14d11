// SPDX-License-Identifier: MIT
#pragma once
// BEiT's masks as iBOT and DINOv2 draw them: rectangles are added until so many patches are masked as a
// number that is drawn for each image. The counts differ, so these masks are a byte for each patch.
#include <cmath>
#include <cstddef>
#include <cstdint>

#include <pretext/core/context.hpp>
#include <pretext/core/expects.hpp>
#include <pretext/core/host_device.hpp>
#include <pretext/core/random.hpp>
#include <pretext/core/random_streams.hpp>
#include <pretext/distributed/communicator.hpp>
#include <pretext/kernels/parallel_for.hpp>
#include <pretext/masking/masks.hpp>
#include <pretext/masking/random_masking.hpp>

namespace pretext::inline v0_1 {

namespace detail {

/// How many patches of a sample are to be masked, at most, and how large rectangles are.
struct block_wish {
  double patches = 0, smallest = 0, largest = 0;
};

/// Marks rectangles of a sample's patches until as many are masked as wished, never more: each adds patches,
/// has an aspect ratio between 0.3 and 1/0.3, uniform in its logarithm, and is smaller than the grid in both
/// directions. After ten rectangles in turn that do not fit, fewer stay masked.
struct mark_blocks {
  static constexpr std::uint32_t tries = 10, words = 4;  ///< for each rectangle
  std::uint32_t rows, columns;

  PRETEXT_HOST_DEVICE void operator()(const random_key& key, std::uint32_t draw, const block_wish& wish,
                                      std::uint8_t* flags) const {
    const double widest = std::log(0.3);
    double count = 0;
    bool adds = true;
    while (adds && count < wish.patches) {
      adds = false;
      const double rest = wish.patches - count < wish.largest ? wish.patches - count : wish.largest;
      for (std::uint32_t attempt = 0; attempt < tries && !adds; ++attempt, draw += words) {
        if (draw + words > streams::masks.first + streams::masks.size) return;
        const double area = wish.smallest + double(key.uniform(draw)) * (rest - wish.smallest);
        const double ratio = std::exp(widest - 2 * widest * double(key.uniform(draw + 1)));
        const auto tall = static_cast<std::uint32_t>(std::sqrt(area * ratio) + 0.5),
                   wide = static_cast<std::uint32_t>(std::sqrt(area / ratio) + 0.5);
        if (tall >= rows || wide >= columns) continue;
        std::uint8_t* const corner = flags + key.uniform_int(draw + 2, rows - tall + 1) * columns +
                                     key.uniform_int(draw + 3, columns - wide + 1);
        std::uint32_t added = 0;
        for (std::uint32_t r = 0; r < tall; ++r)
          for (std::uint32_t c = 0; c < wide; ++c) added += corner[r * columns + c] == 0;
        if (added == 0 || added > rest) continue;
        for (std::uint32_t r = 0; r < tall; ++r)
          for (std::uint32_t c = 0; c < wide; ++c) corner[r * columns + c] = 1;
        count += added;
        adds = true;
      }
    }
  }
};

/// The range of the masked part of an image.
struct ratio_range {
  double smallest, largest;

  PRETEXT_HOST_DEVICE double at(double u) const { return smallest + u * (largest - smallest); }
};

/// One sample of iBOT's masks.
struct draw_independent_blocks {
  sample_keys keys;
  mark_blocks mark;
  ratio_range ratio;
  double probability;
  std::uint8_t* flags;

  PRETEXT_HOST_DEVICE void operator()(std::size_t sample) const {
    const std::size_t patches = std::size_t{mark.rows} * mark.columns;
    const random_key key = keys(sample);
    std::uint8_t* const own = flags + sample * patches;
    for (std::size_t i = 0; i < patches; ++i) own[i] = 0;
    if (!(double(key.uniform(streams::masks.first)) < probability)) return;
    const std::uint32_t third = (mark.rows < mark.columns ? mark.rows : mark.columns) / 3;
    const double wish = double(patches) * ratio.at(double(key.uniform(streams::masks.first + 1)));
    mark(key, streams::masks.first + 2, {wish, double(third * third), wish}, own);
  }
};

/// The first word of a sample's masks.
struct draw_first_word {
  sample_keys keys;
  std::uint32_t* words;

  PRETEXT_HOST_DEVICE void operator()(std::size_t sample) const {
    words[sample] = keys(sample).word(streams::masks.first);
  }
};

/// One sample of DINOv2's masks. The batch is that of all shards.
struct draw_balanced_blocks {
  sample_keys keys;
  mark_blocks mark;
  ratio_range ratio;
  std::size_t batch, masked;   ///< samples, and how many of them are masked
  std::size_t first;           ///< of this shard's samples in the batch
  const std::uint32_t* words;  ///< of the batch; null: those of `keys`, where there is one shard
  std::uint8_t* flags;

  PRETEXT_HOST_DEVICE void operator()(std::size_t sample) const {
    const std::size_t patches = std::size_t{mark.rows} * mark.columns;
    const random_key key = keys(sample);
    std::uint8_t* const own = flags + sample * patches;
    for (std::size_t i = 0; i < patches; ++i) own[i] = 0;
    // The place of the sample's first word among those of the batch is a random permutation.
    const std::uint32_t word = key.word(streams::masks.first);
    std::size_t place = 0;
    for (std::size_t other = 0; other < batch; ++other) {
      const std::uint32_t its = words ? words[other] : keys(other).word(streams::masks.first);
      place += its < word || (its == word && other < first + sample);
    }
    if (place >= masked) return;
    const double u = (double(place) + double(key.uniform(streams::masks.first + 1))) / double(masked);
    const double wish = std::floor(double(patches) * ratio.at(u));
    mark(key, streams::masks.first + 2, {wish, 4, 0.5 * double(patches)}, own);
  }
};

/// Throws std::invalid_argument for a range or a probability outside of [0, 1].
inline void expects_ratios(const char* masking, double smallest, double largest, double probability) {
  expects(0 <= smallest && smallest <= largest && largest <= 1, masking, ": the ratios ", smallest, " and ",
          largest, " must be in [0, 1], the smallest first");
  expects(0 <= probability && probability <= 1, masking, ": probability ", probability, " must be in [0, 1]");
}

}  // namespace detail

/// iBOT's masks (Zhou et al. 2022, §3.3 and the official code; the blocks are those of BEiT): each sample is
/// masked with a probability, then a part of its patches that is uniform in a range, in rectangles of at
/// least about a ninth of the grid's smaller square. As many patches as drawn, or a few less.
struct blockwise_masking {
  double smallest = 0.1, largest = 0.5;  ///< part of the patches that are masked, in [0, 1]
  double probability = 0.5;              ///< that a sample is masked

  template <class Grid>
  using masks = patch_flags<Grid>;

  friend bool operator==(const blockwise_masking&, const blockwise_masking&) = default;

  /// Throws std::invalid_argument for hyper-parameters out of range.
  void check() const { detail::expects_ratios("blockwise_masking", smallest, largest, probability); }

  /// Draws the masks of a batch from the keys of its samples. Throws std::invalid_argument if the step has no
  /// sample ids.
  template <class Grid, class Context>
  patch_flags<Grid> draw(Context& context, std::size_t batch) const {
    detail::expects_keys(context, batch, "blockwise_masking");
    auto* const flags = context.activations.template allocate<std::uint8_t>(batch * Grid::patches);
    kernels::parallel_for<typename Context::device>::run(
        context, batch,
        detail::draw_independent_blocks{
            context.step.keys, {Grid::rows, Grid::columns}, {smallest, largest}, probability, flags});
    return {flags, batch};
  }
};

/// DINOv2's masks (Oquab et al. 2024, official code): blocks as in `blockwise_masking`, of 4 patches or more
/// and half of the grid or less. A constant part of the batch is masked; the range of ratios is cut into as
/// many slices as there are masked samples, and each gets a ratio of one of them. So a sample's mask depends
/// on its batch, which is that of all shards.
struct balanced_blockwise_masking {
  double smallest = 0.1, largest = 0.5;  ///< part of the patches that are masked, in [0, 1]
  double probability = 0.5;              ///< part of the samples that are masked, rounded down

  template <class Grid>
  using masks = patch_flags<Grid>;

  friend bool operator==(const balanced_blockwise_masking&, const balanced_blockwise_masking&) = default;

  /// Throws std::invalid_argument for hyper-parameters out of range.
  void check() const { detail::expects_ratios("balanced_blockwise_masking", smallest, largest, probability); }

  /// Draws the masks of a batch from the keys of its samples. Throws std::invalid_argument if the step has no
  /// sample ids.
  template <class Grid, class Context>
  patch_flags<Grid> draw(Context& context, std::size_t batch) const {
    detail::expects_keys(context, batch, "balanced_blockwise_masking");
    auto* const flags = context.activations.template allocate<std::uint8_t>(batch * Grid::patches);
    using parallel_for = kernels::parallel_for<typename Context::device>;
    const std::size_t shards = distributed::shards_of(context);
    std::size_t first = 0;
    std::uint32_t* words = nullptr;
    if (shards > 1) {
      auto* const own = context.activations.template allocate<std::uint32_t>(batch);
      words = context.activations.template allocate<std::uint32_t>(batch * shards);
      parallel_for::run(context, batch, detail::draw_first_word{context.step.keys, own});
      context.communicator->all_gather(context.stream, own, words, batch * sizeof *own);
      first = batch * context.communicator->shard();
    }
    const auto masked = static_cast<std::size_t>(double(batch * shards) * probability);
    parallel_for::run(context, batch,
                      detail::draw_balanced_blocks{context.step.keys,
                                                   {Grid::rows, Grid::columns},
                                                   {smallest, largest},
                                                   batch * shards,
                                                   masked,
                                                   first,
                                                   words,
                                                   flags});
    return {flags, batch};
  }
};

}  // namespace pretext::inline v0_1
