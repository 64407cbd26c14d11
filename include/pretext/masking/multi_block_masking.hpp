// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <ratio>

#include <pretext/core/constexpr_math.hpp>
#include <pretext/core/context.hpp>
#include <pretext/core/host_device.hpp>
#include <pretext/core/random.hpp>
#include <pretext/core/random_streams.hpp>
#include <pretext/kernels/parallel_for.hpp>
#include <pretext/masking/context_and_targets.hpp>
#include <pretext/masking/random_masking.hpp>

namespace pretext::inline v0_1 {

/// A rectangle of patches.
struct block_extents {
  std::size_t rows, columns;
  constexpr std::size_t patches() const { return rows * columns; }
  friend constexpr bool operator==(const block_extents&, const block_extents&) = default;
};

/// How large blocks are: the part of a grid's area that they cover, and rows divided by columns. One number
/// in [0, 1) chooses a value of both ranges.
struct block_range {
  double smallest, largest;
  double widest, tallest;
};

/// The extents that I-JEPA's official code gives blocks for the number `u` (MaskCollator): the area is
/// rounded down, sides to the nearest number, ties to the even one, and each side is smaller than the grid's.
constexpr block_extents block_extents_for(double u, std::size_t rows, std::size_t columns,
                                          const block_range& range) {
  const auto rounded = [](double x) {
    const auto below = static_cast<std::size_t>(x);
    const double rest = x - double(below);
    return below + std::size_t{rest > 0.5 || (rest == 0.5 && below % 2 == 1)};
  };
  const auto area = static_cast<std::size_t>(double(rows * columns) *
                                             (range.smallest + u * (range.largest - range.smallest)));
  const double ratio = range.widest + u * (range.tallest - range.widest);
  const std::size_t tall = rounded(detail::square_root(double(area) * ratio)),
                    wide = rounded(detail::square_root(double(area) / ratio));
  return {tall < rows ? tall : rows - 1, wide < columns ? wide : columns - 1};
}

namespace detail {

/// One sample: where its targets are, and the context.
template <std::size_t Targets>
struct draw_blocks {
  static constexpr std::uint32_t tries = 20;  ///< before a target is no longer kept out of the context
  sample_keys keys;
  std::uint32_t rows, columns;
  block_extents target, context;
  std::size_t batch, kept;
  std::uint32_t *context_places, *target_places;

  PRETEXT_HOST_DEVICE void operator()(std::size_t sample) const {
    const random_key key = keys(sample);
    std::uint32_t draw = streams::masks.first;
    std::uint32_t top[Targets], left[Targets];
    for (std::size_t t = 0; t < Targets; ++t) {
      top[t] = key.uniform_int(draw++, rows - static_cast<std::uint32_t>(target.rows));
      left[t] = key.uniform_int(draw++, columns - static_cast<std::uint32_t>(target.columns));
      std::uint32_t* to = target_places + (t * batch + sample) * target.rows * target.columns;
      for (std::uint32_t r = 0; r < target.rows; ++r)
        for (std::uint32_t c = 0; c < target.columns; ++c) *to++ = (top[t] + r) * columns + left[t] + c;
    }
    std::uint32_t* const to = context_places + sample * kept;
    for (std::size_t excluded = Targets + 1; excluded-- > 0;)
      for (std::uint32_t attempt = 0; attempt < tries; ++attempt) {
        const std::uint32_t first_row =
                                key.uniform_int(draw++, rows - static_cast<std::uint32_t>(context.rows)),
                            first_column = key.uniform_int(
                                draw++, columns - static_cast<std::uint32_t>(context.columns));
        std::size_t found = 0;
        for (std::uint32_t r = first_row; r < first_row + context.rows; ++r)
          for (std::uint32_t c = first_column; c < first_column + context.columns && found < kept; ++c) {
            bool is_hidden = false;
            for (std::size_t t = 0; t < excluded; ++t)
              is_hidden = is_hidden || (top[t] <= r && r < top[t] + target.rows && left[t] <= c &&
                                        c < left[t] + target.columns);
            if (!is_hidden) to[found++] = r * columns + c;
          }
        if (found == kept) return;
      }
  }
};

}  // namespace detail

/// I-JEPA's masks (Assran et al. 2023, §3 and the official code): `Targets` blocks of patches, which may
/// overlap, and a large block without them as context. Places are drawn for each sample; as officially, the
/// last row and column of the grid are in no block. One deviation: the official code draws the sizes of
/// blocks anew for every batch, and cuts each context to the smallest of its batch. Here all targets have the
/// extents that it gives for the number `Size`, and a context has the part `Kept` of the grid: the first
/// places of its block. A block that leaves fewer is drawn again, after 20 tries without regard to the last
/// target, and so on.
template <std::size_t Targets = 4, class Kept = std::ratio<1, 4>, class Size = std::ratio<1, 2>>
struct multi_block_masking {
  static constexpr block_range target_range{0.15, 0.2, 0.75, 1.5}, context_range{0.85, 1, 1, 1};

  template <class Grid>
  static constexpr block_extents target = block_extents_for(double(Size::num) / double(Size::den), Grid::rows,
                                                            Grid::columns, target_range);
  template <class Grid>
  static constexpr block_extents context = block_extents_for(double(Size::num) / double(Size::den),
                                                             Grid::rows, Grid::columns, context_range);
  template <class Grid>
  static constexpr std::size_t visible = Grid::patches* std::size_t(Kept::num) / std::size_t(Kept::den);
  template <class Grid>
  using masks = context_and_targets<Grid, visible<Grid>, Targets, target<Grid>.patches()>;

  friend bool operator==(const multi_block_masking&, const multi_block_masking&) = default;

  /// Draws the masks of a batch from the keys of its samples. Throws std::invalid_argument if the step has no
  /// sample ids.
  template <class Grid, class Context>
  masks<Grid> draw(Context& context_of, std::size_t batch) const {
    static_assert(
        target<Grid>.patches() > 0 && visible<Grid> <= context<Grid>.patches(),
        "pretext::multi_block_masking: the grid is too small for its blocks, or Kept is larger than "
        "the block of the context.");
    static_assert(2 * (Targets + detail::draw_blocks<Targets>::tries * (Targets + 1)) <= streams::masks.size,
                  "pretext::multi_block_masking: it has at most 90 targets.");
    detail::expects_keys(context_of, batch, "multi_block_masking");
    auto* const places = context_of.activations.template allocate<std::uint32_t>(batch * visible<Grid>);
    auto* const hidden =
        context_of.activations.template allocate<std::uint32_t>(batch * Targets * target<Grid>.patches());
    kernels::parallel_for<typename Context::device>::run(
        context_of, batch,
        detail::draw_blocks<Targets>{context_of.step.keys, Grid::rows, Grid::columns, target<Grid>,
                                     context<Grid>, batch, visible<Grid>, places, hidden});
    return {places, hidden, batch};
  }
};

}  // namespace pretext::inline v0_1
