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

namespace detail {

/// Copies an image to `out` as RGB; a gray value is copied to all three channels.
inline void copy_as_rgb(image_view from, image& out) {
  out.height = from.height;
  out.width = from.width;
  out.channels = 3;
  const std::size_t pixel_count = from.height * from.width;
  if (from.channels == 3) {
    out.pixels.assign(from.pixels, from.pixels + 3 * pixel_count);
    return;
  }
  out.pixels.resize(3 * pixel_count);
  for (std::size_t at = 0; at < 3 * pixel_count; ++at) out.pixels[at] = from.pixels[at / 3];
}

}  // namespace detail

/// Images in memory, (N, H, W, C) with C = 3 or 1 (gray, read as three equal channels), with labels if there
/// are any.
class memory_source {
 public:
  /// Does not own the pixels, which must outlive the source and its copies. Throws std::invalid_argument for
  /// impossible extents or if there are labels but not N.
  memory_source(const std::uint8_t* pixels, image_array extents, std::vector<int> labels = {},
                std::vector<std::string> class_names = {})
      : pixels_{pixels}, extents_{extents}, labels_{std::move(labels)}, class_names_{std::move(class_names)} {
    expects(extents.channels == 3 || extents.channels == 1, "images in memory have ", extents.channels,
            " channels; 3 (RGB) or 1 (gray) are supported, channels last");
    expects(extents.height > 0 && extents.width > 0, "images in memory are ", extents.height, " x ",
            extents.width, " pixels");
    expects(labels_.empty() || labels_.size() == extents.count, "there are ", labels_.size(), " labels for ",
            extents.count, " images in memory");
  }

  /// Owns the pixels, (N, H, W, C), where N follows from their number.
  memory_source(std::vector<std::uint8_t> pixels, std::size_t height, std::size_t width,
                std::size_t channels = 3, std::vector<int> labels = {},
                std::vector<std::string> class_names = {})
      : memory_source{std::make_shared<const std::vector<std::uint8_t>>(std::move(pixels)),
                      {0, height, width, channels},
                      std::move(labels),
                      std::move(class_names)} {}

  std::size_t size() const { return extents_.count; }
  int label(std::size_t index) const { return labels_.empty() ? -1 : labels_.at(index); }
  const std::vector<std::string>& class_names() const { return class_names_; }
  std::string name(std::size_t index) const { return str_cat("index ", index, " of the images in memory"); }
  void read(std::size_t index, image& out) const {
    expects(index < size(), "there is no image ", index, " among ", size(), " in memory");
    detail::copy_as_rgb(
        {pixels_ + index * extents_.image_size(), extents_.height, extents_.width, extents_.channels}, out);
  }

 private:
  memory_source(std::shared_ptr<const std::vector<std::uint8_t>> owned, image_array extents,
                std::vector<int> labels, std::vector<std::string> class_names)
      : memory_source{owned->data(), with_count(*owned, extents), std::move(labels), std::move(class_names)} {
    owned_ = std::move(owned);
  }

  static image_array with_count(const std::vector<std::uint8_t>& pixels, image_array extents) {
    const std::size_t size = extents.image_size();
    expects(size > 0 && pixels.size() % size == 0, pixels.size(), " pixel values are no whole number of ",
            extents.height, " x ", extents.width, " x ", extents.channels, " images");
    extents.count = pixels.size() / size;
    return extents;
  }

  const std::uint8_t* pixels_;
  image_array extents_;
  std::vector<int> labels_;
  std::vector<std::string> class_names_;
  std::shared_ptr<const std::vector<std::uint8_t>> owned_;
};

static_assert(Source<memory_source>);

}  // namespace pretext::inline v0_1
