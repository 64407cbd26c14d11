// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <concepts>
#include <cstddef>
#include <tuple>
#include <utility>

#include <pretext/core/context.hpp>
#include <pretext/core/shape.hpp>
#include <pretext/core/tensor.hpp>

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
template <class... Tensors>
class grouped_views {
 public:
  constexpr grouped_views() = default;
  constexpr grouped_views(Tensors... groups) requires(sizeof...(Tensors) > 0) : groups_{groups...} {}
  /// Views to read of those to write.
  template <class... Others>
    requires(sizeof...(Others) == sizeof...(Tensors) && (std::convertible_to<Others, Tensors> && ...))
  constexpr grouped_views(const grouped_views<Others...>& other) : groups_{other.all()} {}

  template <std::size_t Group>
  constexpr const auto& group() const {
    return std::get<Group>(groups_);
  }
  constexpr const std::tuple<Tensors...>& all() const { return groups_; }

 private:
  std::tuple<Tensors...> groups_;
};

namespace detail {

template <class Images>
inline constexpr bool is_multi_crop = false;
template <class... Groups>
inline constexpr bool is_multi_crop<multi_crop<Groups...>> = true;

/// The views that a method's first argument names: a shape, of which there are `Views`, or a multi_crop.
template <class Images, std::size_t Views = 1>
struct view_groups {
  static constexpr std::size_t count = 1, views = Views;
  static constexpr std::array<std::size_t, 1> views_of{Views};
  using images = Images;
  template <std::size_t>
  using shape_of = Images;
  template <class Context>
  using to_read = reads<Context, Images>;
  template <class Context>
  using to_write = writes<Context, Images>;
  template <class Context>
  using owned = tensor<typename Context::activation, Images, typename Context::device>;
  template <template <class...> class List>
  using apply = List<Images>;

  template <std::size_t, class Batch>
  static constexpr const Batch& group(const Batch& batch) {
    return batch;
  }
  template <class Batch>
  static constexpr std::array<std::size_t, 1> rows(const Batch& batch) {
    return std::array<std::size_t, 1>{batch.batch};  // nvcc fails on {batch.batch}
  }
  template <class Batch, class F>
  static void for_each(const Batch& batch, const F& f) {
    f(batch);
  }
  /// Memory for the views of n images, `of_each` of them each.
  template <class Owned>
  static auto resize(Owned& memory, std::size_t images, std::size_t of_each = Views) {
    return memory.resize(of_each * images);
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
  using to_read = grouped_views<reads<Context, typename Groups::images>...>;
  template <class Context>
  using to_write = grouped_views<writes<Context, typename Groups::images>...>;
  template <class Context>
  using owned =
      std::tuple<tensor<typename Context::activation, typename Groups::images, typename Context::device>...>;
  template <template <class...> class List>
  using apply = List<typename Groups::images...>;

  template <std::size_t Group, class Batch>
  static constexpr const auto& group(const Batch& batch) {
    return batch.template group<Group>();
  }
  template <class Batch>
  static constexpr std::array<std::size_t, count> rows(const Batch& batch) {
    return std::apply([](const auto&... group) { return std::array<std::size_t, count>{group.batch...}; },
                      batch.all());
  }
  template <class Batch, class F>
  static void for_each(const Batch& batch, const F& f) {
    std::apply([&](const auto&... group) { (f(group), ...); }, batch.all());
  }
  template <class Owned>
  static auto resize(Owned& memory, std::size_t images, std::size_t = views) {
    return std::apply([&](auto&... group) { return grouped_views{group.resize(Groups::views * images)...}; },
                      memory);
  }
};

}  // namespace detail

/// The stacked views of a step whose shapes `Images` names, to read: `reads<Context, Images>` for one shape.
template <class Context, class Images>
using stacked_views = typename detail::view_groups<Images>::template to_read<Context>;

}  // namespace pretext::inline v0_1
