// SPDX-License-Identifier: MIT
#pragma once
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include <pretext/augment/draws.hpp>
#include <pretext/kernels/image/resampling.hpp>

namespace pretext::inline v0_1 {

/// An operation of an augmentation: an aggregate of hyper-parameters.
///
/// - `choose(draws, image, view)` draws its `choice`, a pure function of the draws.
/// - A geometric operation then writes where pixels come from, `map_to_source(choice, image, view, map&)`.
/// - Any other changes pixels, `apply(choice, view&)`, with `view.map(pixel -> pixel)`,
///   `view.mean(pixel -> pixel)`, `view.blur(sigma, radius, padding)`, `view.filter(taps, padding)`,
///   `view.histogram()` (RGB) and, where a pixel depends on its position or on others,
///   `view.map_pixels((row, column, before) -> pixel)`. A pixel is
///   `pixel<View::channels>`: `rgb` for three channels. What takes `auto` and `each_channel` suits any
///   number.
/// - `needs_unit_range`, optional: true if `apply` is defined for pixels in [0, 1] only; `leaves_unit_range`:
/// true
///   if its results may lie outside, as after a normalisation. The former must not follow the latter.
/// - `check(view)`, optional, throws std::invalid_argument for hyper-parameters out of range.
/// - `stream_id` is the first of its random numbers and `stream_size` how many `choose` may draw, 0 if none.
/// The
///   streams of one augmentation must not overlap; core/random_streams.hpp lists those of the library. Yours
///   start at 1024.
template <class Op>
concept AugmentationStep = std::copyable<Op> &&
    requires(const Op op, random_draws draws, image_extent extent) {
  typename Op::choice;
  { Op::stream_id } -> std::convertible_to<std::uint32_t>;
  { Op::stream_size } -> std::convertible_to<std::uint32_t>;
  { op.choose(draws, extent, extent) } -> std::same_as<typename Op::choice>;
};

/// A pipeline that makes one view of an image: what it drew for the view is `choices`, plain memory.
template <class A>
concept Augmentation = requires(const A& a, const random_key& key, image_extent extent,
                                const typename A::choices& choices) {
  { a.choose(key, extent, extent) } -> std::same_as<typename A::choices>;
  { a.map_to_source(choices, extent, extent) } -> std::same_as<resampling_map>;
  a.check(extent);
};

namespace detail {
template <class V, std::size_t Nth>
concept HasView = requires(const V& v) {
  v.template view<Nth>();
  requires Augmentation<std::remove_cvref_t<decltype(v.template view<Nth>())>>;
};
template <class V, class Index>
inline constexpr bool has_views = false;
template <class V, std::size_t... Nth>
inline constexpr bool has_views<V, std::index_sequence<Nth...>> = (HasView<V, Nth> && ...);
}  // namespace detail

/// All views of an image: `views` is how many, `view<V>()` the augmentation of view V. One augmentation is a
/// set of one view, `two_views` one of two.
template <class V>
concept ViewSet = requires {
  { V::views } -> std::convertible_to<std::size_t>;
  requires V::views >
  0;
  requires detail::has_views<V, std::make_index_sequence<std::size_t{V::views}>>;
};

}  // namespace pretext::inline v0_1
