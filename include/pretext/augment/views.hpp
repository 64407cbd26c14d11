// SPDX-License-Identifier: MIT
#pragma once
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <tuple>
#include <type_traits>
#include <utility>

#include <pretext/augment/augmentation.hpp>
#include <pretext/augment/concepts.hpp>
#include <pretext/augment/detail/check_floats.hpp>
#include <pretext/core/context.hpp>
#include <pretext/core/device_scalar.hpp>
#include <pretext/core/expects.hpp>
#include <pretext/core/tensor.hpp>
#include <pretext/core/view_groups.hpp>
#include <pretext/core/wrong_dtype.hpp>
#include <pretext/kernels/augment.hpp>

namespace pretext::inline v0_1 {

/// Two views of every image, from one distribution, `two_views{t}`, or from two, `two_views{t, t_prime}`.
template <class First, class Second = First>
struct two_views {
  static constexpr std::size_t views = 2;
  First first;
  Second second{first};

  template <std::size_t V>
  constexpr const auto& view() const {
    if constexpr (V == 0)
      return first;
    else
      return second;
  }
};
template <class First>
two_views(First) -> two_views<First>;
template <class First, class Second>
two_views(First, Second) -> two_views<First, Second>;

/// `Count` views of every image from one distribution: FastSiam's four, or the local crops of multi-crop.
template <std::size_t Count, class A>
struct repeated_views {
  static constexpr std::size_t views = Count;
  A augmentation;

  template <std::size_t>
  constexpr const A& view() const {
    return augmentation;
  }
};
/// `repeat_view<6>(local)`.
template <std::size_t Count, class A>
constexpr repeated_views<Count, A> repeat_view(A augmentation) {
  return {augmentation};
}

/// The views of a `multi_crop`: a set of views for each of its groups, as many as the group has.
template <class... Sets>
struct multi_crop_views {
  static constexpr std::size_t views = (Sets::views + ... + 0);
  std::tuple<Sets...> sets;

  constexpr explicit multi_crop_views(Sets... of_groups) : sets{of_groups...} {}
};

namespace detail {

/// A set of views whose first has another number than 0, so that its random numbers are its own.
template <class Set, std::size_t First>
struct numbered_views {
  static constexpr std::size_t views = Set::views;
  static constexpr std::uint32_t first_view = First;
  const Set& set;

  template <std::size_t V>
  constexpr const auto& view() const {
    return set.template view<V>();
  }
};

/// The number of the first view of a group among those of all groups.
template <class... Sets>
consteval std::size_t first_view_of_group(std::size_t group) {
  constexpr std::size_t counts[] = {Sets::views...};
  std::size_t first = 0;
  for (std::size_t before = 0; before < group; ++before) first += counts[before];
  return first;
}

/// Calls `make(set, out)` for every group of a multi_crop, with the numbers of its views.
template <class... Sets, class Out, class Make>
void for_each_set(const multi_crop_views<Sets...>& all, const Out& out, const Make& make) {
  [&]<std::size_t... Group>(std::index_sequence<Group...>) {
    (make(numbered_views<Sets, first_view_of_group<Sets...>(Group)>{std::get<Group>(all.sets)},
          out.template group<Group>()),
     ...);
  }
  (std::index_sequence_for<Sets...>{});
}

/// Throws std::invalid_argument if the container of an image's pixels is too short for its extents.
template <ImageSource Image>
void check_size(const Image& image, std::size_t index) {
  if constexpr (requires { image.pixels.size(); }) {
    std::size_t needed = image.height * image.width * image.channels;
    if constexpr (TypedImage<Image>) needed *= size_of(image.type);
    expects(image.pixels.size() >= needed, "augment: image ", index, " of the batch is ", image.height, " x ",
            image.width, " x ", image.channels, " and needs ", needed, " elements of pixels, but has ",
            image.pixels.size());
  }
}

/// Reports other arguments in one sentence.
template <class Views>
constexpr void require_view_set() {
  static_assert(
      ViewSet<Views>,
      "pretext::augment: the views must be an augmentation, two_views{...}, or a type with a number `views` "
      "and a `view<V>()` that returns the augmentation of view V; see the concept ViewSet.");
}

/// Throws std::invalid_argument, in a sentence that starts with `subject`, unless an image of so many
/// channels can become a view of this shape.
template <Shape S, class... Subject>
void check_channels(std::size_t channels, const Subject&... subject) {
  constexpr std::size_t own = channels_of<S>;
  if constexpr (own == 3)
    expects(channels == own || channels == 1, subject..., channels,
            " channels; convert it to gray (1) or RGB (3)");
  else
    expects(channels == own, subject..., channels, " channels, and the network is compiled for images of ",
            own);
}

/// Throws std::invalid_argument for hyper-parameters that are out of range or do not suit the size of the
/// views.
template <class Views>
void check_views(const Views& views, image_extent extent) {
  [&]<std::size_t... V>(std::index_sequence<V...>) { (views.template view<V>().check(extent), ...); }
  (std::make_index_sequence<Views::views>{});
}

}  // namespace detail

/// Makes all views of a batch of n images (a span or vector of `image_view`, `image` or any other
/// `ImageSource`): view v of image i is written to out[v · n + i], channels last, in [0, 1] unless
/// normalised. Images have the channels of the views; gray ones, of one channel, may also become RGB.
/// `samples` are the ids of the images in the data set. A view depends on (seed, epoch, samples[i], v) alone,
/// not on the position of the image in the batch or on the number of threads. Throws `std::invalid_argument`
/// if sizes do not match, if a hyper-parameter is out of range, if an image is empty or has other
/// channels, or if floats without a range are far beyond [0, 1].
template <class Context, class Views, class Images, Shape S>
  requires(ImageSource<std::remove_cvref_t<decltype(std::declval<const Images&>()[0])>>&& ImageShape<S>)
void augment(Context& context, const Views& views, const Images& images,
             std::span<const std::uint64_t> samples, std::uint64_t seed, std::uint32_t epoch,
             tensor_view<typename Context::activation, S> out) {
  detail::require_view_set<Views>();
  constexpr image_extent extent{S::extents[0], S::extents[1]};
  expects(samples.size() == images.size(), "augment: ", images.size(), " images but ", samples.size(),
          " sample ids; give one for each image");
  expects(out.batch == Views::views * images.size(), "augment: ", Views::views, " views of ", images.size(),
          " images do not fill a batch of ", out.batch);
  for (std::size_t i = 0; i < images.size(); ++i) {
    const auto& image = images[i];
    expects(pixels_of(image) && image.height > 0 && image.width > 0, "augment: image ", i,
            " of the batch is empty");
    detail::check_channels<S>(image.channels, "augment: image ", i, " of the batch has ");
    detail::check_size(image, i);
    detail::check_floats(image, i);
  }
  detail::check_views(views, extent);
  kernels::augment<typename Context::device>::run(context, views, images, samples, seed, epoch, out);
}

/// The same views of images in the device's memory, selected by ids that are stored there, too; the epoch may
/// be. The call copies nothing from the host.
template <class Context, class Views, Shape S>
  requires ImageShape<S>
void augment(Context& context, const Views& views, const indexed_images& images, std::uint64_t seed,
             device_scalar<std::uint32_t> epoch, tensor_view<typename Context::activation, S> out) {
  detail::require_view_set<Views>();
  constexpr image_extent extent{S::extents[0], S::extents[1]};
  expects(out.batch == Views::views * images.count, "augment: ", Views::views, " views of ", images.count,
          " images do not fill a batch of ", out.batch);
  detail::check_channels<S>(images.channels, "augment: every image has ");
  detail::check_views(views, extent);
  kernels::augment<typename Context::device>::run(context, views, images, seed, epoch, out);
}

/// The views of a multi_crop, of images in the host's or in the device's memory as above.
template <class Context, class... Sets, class Images, class... Tensors>
void augment(Context& context, const multi_crop_views<Sets...>& views, const Images& images,
             std::span<const std::uint64_t> samples, std::uint64_t seed, std::uint32_t epoch,
             const grouped_views<Tensors...>& out) {
  static_assert(sizeof...(Sets) == sizeof...(Tensors),
                "pretext::augment: multi_crop_views{...} needs one set of views for each group.");
  detail::for_each_set(views, out, [&](const auto& set, const auto& group) {
    augment(context, set, images, samples, seed, epoch, group);
  });
}
template <class Context, class... Sets, class... Tensors>
void augment(Context& context, const multi_crop_views<Sets...>& views, const indexed_images& images,
             std::uint64_t seed, device_scalar<std::uint32_t> epoch, const grouped_views<Tensors...>& out) {
  static_assert(sizeof...(Sets) == sizeof...(Tensors),
                "pretext::augment: multi_crop_views{...} needs one set of views for each group.");
  detail::for_each_set(views, out, [&](const auto& set, const auto& group) {
    augment(context, set, images, seed, epoch, group);
  });
}

/// Views of another element type than the context's activations are a mistake: the compiler says what to do.
template <class Context, class Views, class Images, class Element, Shape S>
  requires(!std::same_as<Element, typename Context::activation>)
void augment(Context&, const Views&, const Images&, std::span<const std::uint64_t>, std::uint64_t,
             std::uint32_t, tensor_view<Element, S>) {
  detail::wrong_dtype<Context, Element>();
}
template <class Context, class Views, class Element, Shape S>
  requires(!std::same_as<Element, typename Context::activation>)
void augment(Context&, const Views&, const indexed_images&, std::uint64_t, device_scalar<std::uint32_t>,
             tensor_view<Element, S>) {
  detail::wrong_dtype<Context, Element>();
}

}  // namespace pretext::inline v0_1
