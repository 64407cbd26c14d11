// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <pretext/core/expects.hpp>
#include <pretext/core/image_layout.hpp>
#include <pretext/core/tensor.hpp>
#include <pretext/data/loader.hpp>
#include <pretext/data/source.hpp>
#include <pretext/devices/device_memory.hpp>
#include <pretext/io/bad_image.hpp>
#include <pretext/kernels/augment.hpp>

namespace pretext::inline v0_1 {

/// All images of a source in a device's memory, as 8-bit (n, H, W, C), and their labels: a step then chooses
/// its batch without the host. For data sets of small images; CIFAR-10 takes 146 MiB.
template <class Device>
class device_dataset {
 public:
  /// Reads every image, with that many threads. Throws std::invalid_argument unless all images have one size,
  /// bad_image if one cannot be read, and out_of_device_memory.
  explicit device_dataset(const any_source& source, std::size_t threads = 1);

  std::size_t size() const { return labels_.size(); }
  std::size_t height() const { return height_; }
  std::size_t width() const { return width_; }
  std::size_t channels() const { return channels_; }
  /// Bytes of pixels.
  std::size_t bytes() const { return pixels_.size(); }
  /// The label of each sample, in the device's memory; -1 for none.
  const int* labels() const { return labels_.data(); }
  /// One more than the largest label; 0 if a sample has none.
  std::size_t classes() const { return classes_; }

  /// The batch of the samples with these indices, which are in the device's memory.
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
      expects(one.type == sample_type::uint8 && one.range == sample_range{},
              "images in the device's memory have samples of 8 bits with their whole range: ",
              source.name(batch.samples[i]), " has others; load them batch by batch instead");
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
      some.resize(some.size() + image_size());
      copy_samples(one, some.data() + some.size() - image_size());
      labels.push_back(source.label(sample));
    }
    Device::write(stream, pixels_.data() + batch.samples[0] * image_size(), some.data(), some.size());
  }
  if (*std::min_element(labels.begin(), labels.end()) >= 0)
    classes_ = static_cast<std::size_t>(*std::max_element(labels.begin(), labels.end())) + 1;
  labels_ = buffer<int, Device>{labels.size()};
  Device::write(stream, labels_.data(), labels.data(), labels.size());
}  // the end of the stream waits for the copies

/// The result of uploading a data set: the images, or the reason why they are not in the device's memory.
template <class Device>
struct upload_result {
  /// Images may take 1/share of the device's free memory, because the needs of a step are not known before
  /// it.
  static constexpr std::size_t share = 8;

  std::unique_ptr<device_dataset<Device>> images;
  std::string error;  ///< a sentence, if there are no images
};

/// Uploads the images of a source if every one can be read, all have one size and their 8-bit pixels take at
/// most an eighth of the device's free memory.
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
  } catch (const bad_image& fault) {  // the loader's policy decides what happens to it
    found.error = fault.what();
  } catch (const std::invalid_argument& fault) {
    found.error = fault.what();
  } catch (const out_of_device_memory& fault) { found.error = fault.what(); }
  return found;
}

}  // namespace pretext::inline v0_1
