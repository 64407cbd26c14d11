// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <pretext/augment/views.hpp>
#include <pretext/core/expects.hpp>
#include <pretext/core/image.hpp>
#include <pretext/inference/preprocessing.hpp>

namespace pretext::inline v0_1::detail {

/// A device context and the memory of the network's inputs, for one thread at a time: images of any size
/// become inputs, at most `max_batch` at once.
template <Shape Images, class Context>
class preprocessed_batches {
  using preprocessing_type = basic_preprocessing<channels_of<Images>>;
  using device = typename Context::device;

 public:
  preprocessed_batches(const preprocessing_type& how, typename device::stream stream, std::size_t max_batch)
      : max_batch_{max_batch},
        context_{.stream = std::move(stream)},
        levels_{how.levels},
        pipeline_{make_augmentation(how)},
        samples_(max_batch) {}

  Context& context() { return context_; }

  /// Calls `use(inputs, first)` with the inputs of the images from `first` on. Messages begin with `caller`.
  template <class Use>
  void for_each(std::string_view caller, std::span<const image_view> images, const Use& use) {
    check(caller, images);
    for (std::size_t first = 0; first < images.size(); first += max_batch_) {
      const auto some = with_levels(images.subspan(first, std::min(max_batch_, images.size() - first)));
      const auto inputs = inputs_.resize(some.size());
      augment(context_, pipeline_, some, std::span<const std::uint64_t>{samples_}.first(some.size()), 0, 0,
              inputs);
      use(reads<Context, Images>{inputs}, first);
    }
  }

  /// The same for inputs in the device's memory that are preprocessed already.
  template <class Use>
  void for_each(reads<Context, Images> inputs, const Use& use) const {
    for (std::size_t first = 0; first < inputs.batch; first += max_batch_)
      use(inputs.part(first, std::min(max_batch_, inputs.batch - first)), first);
  }

 private:
  static void check(std::string_view caller, std::span<const image_view> images) {
    for (std::size_t i = 0; i < images.size(); ++i) {
      const image_view& image = images[i];
      expects(image.pixels && image.height > 0 && image.width > 0, caller, ": image ", i, " of ",
              images.size(), " is empty: it has ", image.height, " x ", image.width, " pixels");
      check_channels<Images>(image.channels, caller, ": image ", i, " of ", images.size(), " has ");
    }
  }

  /// The images with the range that the preprocessing's levels give those without one of their own.
  std::span<const image_view> with_levels(std::span<const image_view> images) {
    if (levels_.rule == level_rule::whole_type) return images;
    views_.assign(images.begin(), images.end());
    for (image_view& view : views_)
      if (view.range.low == view.range.high) view.range = range_of(view, levels_);
    return views_;
  }

  std::size_t max_batch_;
  Context context_;
  sample_levels levels_;
  decltype(make_augmentation(std::declval<const preprocessing_type&>())) pipeline_;
  std::vector<std::uint64_t> samples_;  // that preprocessing draws no numbers for
  std::vector<image_view> views_;
  tensor<typename Context::activation, Images, device> inputs_;
};

}  // namespace pretext::inline v0_1::detail
