#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <pretext/core/expects.hpp>
#include <pretext/core/tensor.hpp>
#include <pretext/data/loader.hpp>
#include <pretext/data/source.hpp>
#include <pretext/devices/device_memory.hpp>
#include <pretext/io/bad_image.hpp>
#include <pretext/kernels/augment.hpp>

namespace pretext {

/// All images of a source in a device's memory, 8 bits a number, (n, H, W, C), and their labels: for data
/// sets of small images, of which a step then takes its batch without the host. CIFAR-10 takes 146 MiB.
template <class Device>
class device_dataset {
 public:
  /// Reads every image, with so many threads. Throws std::invalid_argument unless all have one size,
  /// bad_image where one cannot be read, and out_of_device_memory.
  explicit device_dataset(const any_source& source, std::size_t threads = 1);

  std::size_t size() const { return labels_.size(); }
  std::size_t height() const { return height_; }
  std::size_t width() const { return width_; }
  std::size_t channels() const { return channels_; }
  /// Bytes of pixels.
  std::size_t bytes() const { return pixels_.size(); }
  /// By sample, in the device's memory; -1 where nobody knows.
  const int* labels() const { return labels_.data(); }
  /// Labels are below it; 0 where a sample has none.
  std::size_t classes() const { return classes_; }

  /// The batch of some samples, whose numbers the device has.
  indexed_images chosen(const std::uint64_t* samples, std::size_t count) const {
    return {pixels_.data(), height_, width_, channels_, samples, count};
  }

 private:
  std::size_t image_size() const { return height_ * width_ * channels_; }

  std::size_t height_ = 0, width_ = 0, channels_ = 0, classes_ = 0;
  buffer<std::uint8_t, Device> pixels_;
  buffer<int, Device> labels_;
};

template <class Device>
device_dataset<Device>::device_dataset(const any_source& source, std::size_t threads) {
  expects(source.size() > 0, "there are no images to keep in the device's memory");
  const typename Device::stream stream{};
  loader in_order{source, once_in_order(source.size(), threads)};
  std::vector<std::uint8_t> some;
  std::vector<int> labels;
  while (labels.size() < source.size()) {
    const auto batch = in_order.next();
    some.clear();
    for (std::size_t i = 0; i < batch.images.size(); ++i) {
      const image_view& one = batch.images[i];
      if (labels.empty()) {
        height_ = one.height;
        width_ = one.width;
        channels_ = one.channels;
        pixels_ = buffer<std::uint8_t, Device>{source.size() * image_size()};
      }
      const std::uint64_t sample = batch.samples[i];
      expects(one.height == height_ && one.width == width_ && one.channels == channels_,
              "images in the device's memory have one size: ", source.name(0), " has ", height_, " x ",
              width_, " x ", channels_, " numbers, ", source.name(sample), " has ", one.height, " x ",
              one.width, " x ", one.channels, "; load them batch by batch instead");
      some.insert(some.end(), one.pixels, one.pixels + image_size());
      labels.push_back(source.label(sample));
    }
    Device::write(stream, pixels_.data() + batch.samples[0] * image_size(), some.data(), some.size());
  }
  if (*std::min_element(labels.begin(), labels.end()) >= 0)
    classes_ = static_cast<std::size_t>(*std::max_element(labels.begin(), labels.end())) + 1;
  labels_ = buffer<int, Device>{labels.size()};
  Device::write(stream, labels_.data(), labels.data(), labels.size());
}  // the end of the stream waits for the copies

/// Whether a data set lives in a device's memory: its images there, or why it does not.
template <class Device>
struct upload_result {
  /// The part of the device's free memory that images may take: what a step needs is not known before it.
  static constexpr std::size_t share = 8;

  std::unique_ptr<device_dataset<Device>> images;
  std::string error;  ///< a sentence where there are none
};

/// Keeps the images of a source in the device's memory if every one can be read, all have one size and their
/// 8-bit numbers take at most an eighth of what is free there.
template <class Device>
upload_result<Device> try_upload(const any_source& source, std::size_t threads = 1) {
  upload_result<Device> found;
  try {
    image first;
    source.read(0, first);
    const std::size_t needed = source.size() * first.pixels.size(), free = Device::free_memory();
    if (needed > free / found.share)
      found.error = str_cat(source.size(), " images take ", detail::mebibytes(needed),
                            ", more than an eighth of the ", detail::mebibytes(free), " that are free");
    else
      found.images = std::make_unique<device_dataset<Device>>(source, threads);
  } catch (const bad_image& fault) {  // whoever loads it decides what to do
    found.error = fault.what();
  } catch (const std::invalid_argument& fault) {
    found.error = fault.what();
  } catch (const out_of_device_memory& fault) { found.error = fault.what(); }
  return found;
}

}  // namespace pretext
