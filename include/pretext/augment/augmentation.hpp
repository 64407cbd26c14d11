// SPDX-License-Identifier: MIT
#pragma once
// A view is made in two phases. First every operation draws its choices from the key of the view: a few
// numbers in plain memory, a pure function of the key. Then one pass resamples the image through all geometry
// at once and applies the other operations in order. No intermediate image is stored, every device computes
// the same choices, and a view can be made again at any time from its key.
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <utility>

#include <pretext/augment/concepts.hpp>
#include <pretext/augment/draws.hpp>
#include <pretext/core/random_streams.hpp>
#include <pretext/kernels/image/resampling.hpp>

namespace pretext::inline v0_1 {

namespace detail {

template <std::size_t Index, class Op>
struct step {
  static_assert(
      AugmentationStep<Op>,
      "pretext::augmentation: an operation needs a type `choice`, a `stream_id`, a `stream_size` and "
      "`choose(draws, image, view)`; the concept AugmentationStep lists them.");
  Op op{};
};
template <std::size_t Index, class Op>
struct step_choice {
  typename Op::choice value{};
};

/// Are two operations one kind, the same type or specialisations of one class template? They share a
/// stream_id.
template <class A, class B>
inline constexpr bool same_kind = std::same_as<A, B>;
template <template <class...> class Kind, class... A, class... B>
inline constexpr bool same_kind<Kind<A...>, Kind<B...>> = true;

/// Two kinds must not: what one of them draws would depend on whether the other precedes it.
template <class A, class B>
inline constexpr bool claim_one_stream =
    A::stream_size > 0 && B::stream_size > 0 && A::stream_id == B::stream_id && !same_kind<A, B>;

template <class Indices, class... Ops>
struct steps;
template <std::size_t... Index, class... Ops>
struct steps<std::index_sequence<Index...>, Ops...> : step<Index, Ops>... {
  /// The choices of all operations for one view: plain memory, so that a GPU can draw them.
  struct choices : step_choice<Index, Ops>... {};

  constexpr steps() = default;
  constexpr explicit steps(const Ops&... ops) requires(sizeof...(Ops) > 0) : step<Index, Ops>{ops}... {}

  /// The first random number of operation `index`. A second operation of the same kind, which has the same
  /// `stream_id`, starts 65536 numbers later, a third one twice as many.
  PRETEXT_HOST_DEVICE static constexpr std::uint32_t stream_of(std::size_t index) {
    const std::uint32_t first[]{Ops::stream_id..., 0}, size[]{Ops::stream_size..., 0};
    std::uint32_t earlier = 0;
    for (std::size_t i = 0; i < index; ++i) earlier += size[i] > 0 && first[i] == first[index];
    return first[index] + (earlier << 16);
  }

  /// Could two operations draw the same random number?
  static consteval bool streams_overlap() {
    return (claims_stream_of_another<Ops>() || ...) ||
           any_overlap(std::array<random_stream, sizeof...(Ops)>{
               random_stream{stream_of(Index), Ops::stream_size}...});
  }

  PRETEXT_HOST_DEVICE constexpr choices choose([[maybe_unused]] const random_key& key,
                                               [[maybe_unused]] image_extent image,
                                               [[maybe_unused]] image_extent view) const {
    choices all{};
    ((static_cast<step_choice<Index, Ops>&>(all).value =
          at<Index, Ops>().choose(random_draws{key, stream_of(Index)}, image, view)),
     ...);
    return all;
  }

  /// All geometric operations as one map: the crop, then the flips, whatever their order in the pipeline.
  PRETEXT_HOST_DEVICE constexpr resampling_map map_to_source([[maybe_unused]] const choices& all,
                                                             image_extent image,
                                                             [[maybe_unused]] image_extent view) const {
    resampling_map at{{0, static_cast<std::int64_t>(image.height), static_cast<std::int64_t>(view.height), 0},
                      {0, static_cast<std::int64_t>(image.width), static_cast<std::int64_t>(view.width), 0}};
    (map_one<Index, Ops>(all, image, view, at), ...);
    return at;
  }

  /// All other operations, in order, on a view of any device.
  template <class View>
  PRETEXT_HOST_DEVICE constexpr void apply([[maybe_unused]] const choices& all,
                                           [[maybe_unused]] View& view) const {
    (apply_one<Index, Ops>(all, view), ...);
  }

  /// Throws `std::invalid_argument` for hyper-parameters that are out of range or do not suit the size of the
  /// view.
  void check([[maybe_unused]] image_extent view) const { (check_one<Index, Ops>(view), ...); }

 private:
  template <class Op>
  static consteval bool claims_stream_of_another() {
    return (claim_one_stream<Op, Ops> || ...);
  }
  template <std::size_t J, class Op>
  PRETEXT_HOST_DEVICE constexpr const Op& at() const {
    return static_cast<const step<J, Op>&>(*this).op;
  }
  template <std::size_t J, class Op>
  PRETEXT_HOST_DEVICE static constexpr const typename Op::choice& of(const choices& all) {
    return static_cast<const step_choice<J, Op>&>(all).value;
  }
  template <std::size_t J, class Op>
  PRETEXT_HOST_DEVICE constexpr void map_one(const choices& all, image_extent image, image_extent view,
                                             resampling_map& where) const {
    if constexpr (requires(const Op step) { step.map_to_source(of<J, Op>(all), image, view, where); })
      at<J, Op>().map_to_source(of<J, Op>(all), image, view, where);
  }
  template <std::size_t J, class Op, class View>
  PRETEXT_HOST_DEVICE constexpr void apply_one(const choices& all, View& view) const {
    if constexpr (requires(const Op step) { step.apply(of<J, Op>(all), view); })
      at<J, Op>().apply(of<J, Op>(all), view);
    else
      static_assert(
          requires(const Op step, image_extent extent, resampling_map where) {
            step.map_to_source(of<J, Op>(all), extent, extent, where);
          },
          "pretext::augmentation: an operation has neither `apply(choice, view&) const` nor "
          "`map_to_source(choice, image, view, map&) const` with these parameters, so that it would change "
          "nothing.");
  }
  template <std::size_t J, class Op>
  void check_one(image_extent view) const {
    if constexpr (requires(const Op step) { step.check(view); }) at<J, Op>().check(view);
  }
};

template <class Op>
inline constexpr bool is_crop_op = requires {
  requires Op::is_crop;
};

template <class Op>
inline constexpr bool needs_unit_range = requires {
  requires Op::needs_unit_range;
};
template <class Op>
inline constexpr bool leaves_unit_range = requires {
  requires Op::leaves_unit_range;
};
/// Does no operation that needs pixels in [0, 1] follow one that leaves this range?
template <class... Ops>
consteval bool keeps_unit_range() {
  [[maybe_unused]] bool left = false;
  bool sound = true;
  ((sound = sound && !(left && needs_unit_range<Ops>), left = left || leaves_unit_range<Ops>), ...);
  return sound;
}

}  // namespace detail

/// Operations in order, run as one pass from an image of any size to a view; a pure function of the image and
/// a `random_key`. Without a crop the whole image is resized to the view.
template <class... Ops>
struct augmentation : detail::steps<std::index_sequence_for<Ops...>, Ops...> {
  static_assert(
      (std::size_t{detail::is_crop_op<Ops>} + ... + 0) <= 1,
      "pretext: an augmentation has at most one crop or resize; make one augmentation for each view.");
  static_assert(
      detail::keeps_unit_range<Ops...>(),
      "pretext: an operation that needs pixels in [0, 1], such as color_jitter, follows normalise in an "
      "augmentation; put normalise after it.");
  static_assert(!detail::steps<std::index_sequence_for<Ops...>, Ops...>::streams_overlap(),
                "pretext: two operations of an augmentation draw the same random numbers; choose a stream_id "
                "from 1024 on whose stream_size numbers belong to no other operation.");
  static constexpr std::size_t views = 1;
  using detail::steps<std::index_sequence_for<Ops...>, Ops...>::steps;

  /// This augmentation itself, so that it can be used as a set of one view.
  template <std::size_t>
  constexpr const augmentation& view() const {
    return *this;
  }

  /// The hyper-parameters of an operation that occurs once.
  template <class Op>
  constexpr Op& get() {
    return pick<Op>(*this);
  }
  template <class Op>
  constexpr const Op& get() const {
    return pick<Op>(*this);
  }

  /// The choice of an operation that occurs once.
  template <class Op, class Choices>
  static constexpr auto& chosen(Choices& all) {
    return pick_choice<Op>(all);
  }

 private:
  template <class Op, std::size_t Index>
  static constexpr Op& pick(detail::step<Index, Op>& at) {
    return at.op;
  }
  template <class Op, std::size_t Index>
  static constexpr const Op& pick(const detail::step<Index, Op>& at) {
    return at.op;
  }
  template <class Op, std::size_t Index>
  static constexpr auto& pick_choice(detail::step_choice<Index, Op>& at) {
    return at.value;
  }
  template <class Op, std::size_t Index>
  static constexpr const auto& pick_choice(const detail::step_choice<Index, Op>& at) {
    return at.value;
  }
};
template <class... Ops>
augmentation(Ops...) -> augmentation<Ops...>;

/// The choices of an augmentation for one view.
template <class Augmentation>
using view_choices = typename Augmentation::choices;

}  // namespace pretext::inline v0_1
