// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <cstddef>
#include <tuple>
#include <utility>

#include <pretext/core/concepts.hpp>
#include <pretext/core/context.hpp>
#include <pretext/core/shape.hpp>

// The views of a step in groups of one shape each. Most methods have one group, two views of every image;
// with multi-crop (Caron et al. 2020, §3.2) a second group of smaller views follows.
namespace pretext::inline v0_1 {

/// `Count` views of every image, of shape S.
template <std::size_t Count, ImageShape S>
struct crops {
  static constexpr std::size_t views = Count;
  using images = S;
};

/// The views of a method that sees several sizes, in place of its image shape: global views first, which are
/// the only ones that a target sees: `multi_crop<crops<2, shape<224, 224, 3>>, crops<6, shape<96, 96, 3>>>`.
template <class Global, class... Local>
struct multi_crop {
  static_assert(((channels_of<typename Local::images> == channels_of<typename Global::images>)&&...),
                "pretext::multi_crop: the views of all groups must have the same channels.");
};

/// The stacked views of one step, one tensor (views·n, H, W, C) for each group, view 1 of all images first.
template <class Context, Shape... S>
class view_batch {
 public:
  constexpr view_batch() = default;
  constexpr view_batch(reads<Context, S>... groups) : groups_{groups...} {}

  template <std::size_t Group>
  constexpr const auto& group() const {
    return std::get<Group>(groups_);
  }

 private:
  std::tuple<reads<Context, S>...> groups_;
};

namespace detail {

/// What a method's first argument says about its views, without the policy views<>.
template <class Images, std::size_t Views>
struct view_groups {
  static constexpr std::size_t count = 1, views = Views;
  static constexpr std::array<std::size_t, 1> views_of{Views};
  using images = Images;
  template <std::size_t>
  using shape_of = Images;
  template <class Context>
  using batch = reads<Context, Images>;
  template <template <class...> class List>
  using apply = List<Images>;

  template <std::size_t Group, class Context>
  static constexpr reads<Context, Images> group(const reads<Context, Images>& batch) {
    return batch;
  }
};
template <class... Groups, std::size_t Views>
struct view_groups<multi_crop<Groups...>, Views> {
  static constexpr std::size_t count = sizeof...(Groups), views = (Groups::views + ... + 0);
  static constexpr std::array<std::size_t, count> views_of{Groups::views...};
  template <std::size_t Group>
  using shape_of = typename std::tuple_element_t<Group, std::tuple<Groups...>>::images;
  using images = shape_of<0>;
  template <class Context>
  using batch = view_batch<Context, typename Groups::images...>;
  template <template <class...> class List>
  using apply = List<typename Groups::images...>;

  template <std::size_t Group, class Context>
  static constexpr auto group(const batch<Context>& batch) {
    return batch.template group<Group>();
  }
};

template <class Images>
inline constexpr bool is_multi_crop = false;
template <class... Groups>
inline constexpr bool is_multi_crop<multi_crop<Groups...>> = true;

}  // namespace detail
}  // namespace pretext::inline v0_1
