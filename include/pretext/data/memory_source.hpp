// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <pretext/core/expects.hpp>
#include <pretext/data/source.hpp>

namespace pretext::inline v0_1 {

/// The extents of contiguous images (count, height, width, channels).
struct image_array {
  std::size_t count = 0, height = 0, width = 0, channels = 3;

  std::size_t image_size() const { return height * width * channels; }
};

/// Images in memory, (N, H, W, C) of any sample type, with labels if there are any. Views of three channels
/// take gray images (C = 1) as RGB.
class memory_source {
 public:
  /// Does not own the samples, which must outlive the source and its copies. `range` is what views map to [0,
  /// 1]. Throws std::invalid_argument for impossible extents or if there are labels but not N.
  template <ImageSample T>
  memory_source(const T* pixels, image_array extents, std::vector<int> labels = {},
                std::vector<std::string> class_names = {}, sample_range range = {})
      : first_{view_of(pixels, extents.height, extents.width, extents.channels, range)},
        count_{extents.count},
        labels_{std::move(labels)},
        class_names_{std::move(class_names)} {
    expects(extents.height > 0 && extents.width > 0 && extents.channels > 0, "images in memory are ",
            extents.height, " x ", extents.width, " pixels of ", extents.channels, " channels");
    expects(labels_.empty() || labels_.size() == count_, "there are ", labels_.size(), " labels for ", count_,
            " images in memory");
  }

  /// Owns the samples, (N, H, W, C), where N follows from their number.
  template <ImageSample T>
  memory_source(std::vector<T> pixels, std::size_t height, std::size_t width, std::size_t channels = 3,
                std::vector<int> labels = {}, std::vector<std::string> class_names = {},
                sample_range range = {})
      : memory_source{std::make_shared<const std::vector<T>>(std::move(pixels)),
                      {0, height, width, channels},
                      std::move(labels),
                      std::move(class_names),
                      range} {}
  memory_source(std::vector<std::uint8_t> pixels, std::size_t height, std::size_t width,
                std::size_t channels = 3, std::vector<int> labels = {},
                std::vector<std::string> class_names = {})
      : memory_source{std::make_shared<const std::vector<std::uint8_t>>(std::move(pixels)),
                      {0, height, width, channels},
                      std::move(labels),
                      std::move(class_names),
                      {}} {}

  std::size_t size() const { return count_; }
  int label(std::size_t index) const { return labels_.empty() ? -1 : labels_.at(index); }
  const std::vector<std::string>& class_names() const { return class_names_; }
  std::string name(std::size_t index) const { return str_cat("index ", index, " of the images in memory"); }
  void read(std::size_t index, image& out) const {
    expects(index < size(), "there is no image ", index, " among ", size(), " in memory");
    const std::uint8_t* const from = first_.pixels + index * first_.bytes();
    out.height = first_.height;
    out.width = first_.width;
    out.channels = first_.channels;
    out.type = first_.type;
    out.range = first_.range;
    out.pixels.assign(from, from + first_.bytes());
  }

 private:
  template <ImageSample T>
  memory_source(std::shared_ptr<const std::vector<T>> owned, image_array extents, std::vector<int> labels,
                std::vector<std::string> class_names, sample_range range)
      : memory_source{owned->data(), with_count(owned->size(), extents), std::move(labels),
                      std::move(class_names), range} {
    owned_ = std::move(owned);
  }

  static image_array with_count(std::size_t samples, image_array extents) {
    const std::size_t size = extents.image_size();
    expects(size > 0 && samples % size == 0, samples, " pixel values are no whole number of ", extents.height,
            " x ", extents.width, " x ", extents.channels, " images");
    extents.count = samples / size;
    return extents;
  }

  image_view first_;
  std::size_t count_;
  std::vector<int> labels_;
  std::vector<std::string> class_names_;
  std::shared_ptr<const void> owned_;
};

static_assert(Source<memory_source>);

}  // namespace pretext::inline v0_1
