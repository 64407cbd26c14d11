#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <pretext/core/expects.hpp>
#include <pretext/core/tensor.hpp>
#include <pretext/data/source.hpp>
#include <pretext/kernels/augment.hpp>

namespace pretext {

/// All images of a source in a device's memory, 8 bits a number, (n, H, W, C), and their labels: for data
/// sets of small images, of which a step then takes its batch without the host. CIFAR-10 takes 146 MiB.
template <class Device>
class resident_images {
 public:
  /// Reads every image. Throws std::invalid_argument unless all have one size, bad_image where one cannot be
  /// read, and out_of_device_memory.
  explicit resident_images(const any_source& source);

  std::size_t size() const { return labels_.size(); }
  std::size_t height() const { return height_; }
  std::size_t width() const { return width_; }
  std::size_t channels() const { return channels_; }
  /// By sample, in the device's memory; -1 where nobody knows.
  const int* labels() const { return labels_.data(); }
  /// Labels are below it; 0 where a sample has none.
  std::size_t classes() const { return classes_; }

  /// The batch of some samples, whose numbers the device has.
  chosen_images chosen(const std::uint64_t* samples, std::size_t count) const {
    return {pixels_.data(), height_, width_, channels_, samples, count};
  }

 private:
  std::size_t height_ = 0, width_ = 0, channels_ = 0, classes_ = 0;
  buffer<std::uint8_t, Device> pixels_;
  buffer<int, Device> labels_;
};

template <class Device>
resident_images<Device>::resident_images(const any_source& source) {
  expects(source.size() > 0, "there are no images to keep in the device's memory");
  std::vector<std::uint8_t> pixels;
  std::vector<int> labels;
  image one;
  for (std::size_t i = 0; i < source.size(); ++i) {
    source.read(i, one);
    if (i == 0) {
      height_ = one.height;
      width_ = one.width;
      channels_ = one.channels;
      pixels.reserve(source.size() * one.pixels.size());
    }
    expects(one.height == height_ && one.width == width_ && one.channels == channels_,
            "images in the device's memory have one size: ", source.name(0), " has ", height_, " x ", width_,
            " x ", channels_, " numbers, ", source.name(i), " has ", one.height, " x ", one.width, " x ",
            one.channels, "; load them batch by batch instead");
    pixels.insert(pixels.end(), one.pixels.begin(), one.pixels.end());
    labels.push_back(source.label(i));
  }
  if (*std::min_element(labels.begin(), labels.end()) >= 0)
    classes_ = static_cast<std::size_t>(*std::max_element(labels.begin(), labels.end())) + 1;

  const typename Device::stream stream{};
  pixels_ = buffer<std::uint8_t, Device>{pixels.size()};
  labels_ = buffer<int, Device>{labels.size()};
  Device::write(stream, pixels_.data(), pixels.data(), pixels.size());
  Device::write(stream, labels_.data(), labels.data(), labels.size());
}  // the end of the stream waits for the copies

}  // namespace pretext
