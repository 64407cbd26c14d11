// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <pretext/core/expects.hpp>
#include <pretext/core/image.hpp>
#include <pretext/core/is_finite.hpp>
#include <pretext/data/source.hpp>
#include <pretext/io/convert_channels.hpp>
#include <pretext/io/sample_levels.hpp>

namespace pretext::inline v0_1 {

/// The images of a source with other channels (`convert_channels`) and other levels (`range_of`).
class converted_source {
 public:
  /// `channels` of 0: as they are.
  converted_source(any_source source, std::size_t channels, sample_levels levels = {})
      : source_{std::move(source)}, channels_{channels}, levels_{levels} {}

  std::size_t size() const { return source_.size(); }
  int label(std::size_t index) const { return source_.label(index); }
  const std::vector<std::string>& class_names() const { return source_.class_names(); }
  std::string name(std::size_t index) const { return source_.name(index); }
  void read(std::size_t index, image& out) const {
    source_.read(index, out);
    if (channels_ != 0 && channels_ != out.channels) convert_channels(out, channels_, source_.name(index));
    out.range = range_of(out, levels_);
  }
  /// The order in which the source is read sequentially.
  block_shape blocks() const { return source_.blocks(); }
  std::uint64_t stored_bytes(std::size_t index) const { return source_.stored_bytes(index); }

 private:
  any_source source_;
  std::size_t channels_;
  sample_levels levels_;
};

static_assert(Source<converted_source>);

/// Mean and standard deviation of each channel over all pixels of the images that were read, for
/// `basic_normalise`.
struct channel_statistics {
  std::vector<float> mean, deviation;
};

namespace detail {

/// Calls `use(image)` for at most `limit` images, spread evenly over the source; images that cannot be read
/// are left out. Throws std::runtime_error with the fault of the first one if no image can be read.
template <class Use>
void for_each_readable(const any_source& source, std::size_t limit, const Use& use) {
  expects(source.size() > 0 && limit > 0, "there are no images to measure");
  const std::size_t count = std::min(limit, source.size());
  std::size_t used = 0;
  std::string fault;
  image picture;
  for (std::size_t i = 0; i < count; ++i) {
    try {
      source.read(i * source.size() / count, picture);
    } catch (const bad_image& error) {
      if (fault.empty()) fault = error.what();
      continue;
    }
    use(picture);
    ++used;
  }
  if (used == 0)
    throw_error<std::runtime_error>("none of ", count, " images can be read; the first one: ", fault);
}

}  // namespace detail

/// Mean and deviation of each channel of at most `limit` images, spread evenly over the source, in [0, 1] by
/// the range of each image. Samples that are NaN do not count. Throws std::runtime_error if images differ in
/// their channels.
inline channel_statistics statistics_of(const any_source& source, std::size_t limit = 2048) {
  std::vector<double> sum, squares, count;
  std::vector<float> samples;
  detail::for_each_readable(source, limit, [&](const image& picture) {
    if (sum.empty())
      sum.resize(picture.channels), squares.resize(picture.channels), count.resize(picture.channels);
    if (sum.size() != picture.channels)
      throw_error<std::runtime_error>("the images have different channels, ", sum.size(), " and ",
                                      picture.channels);
    samples.clear();
    append_samples(picture, 1, samples);
    const auto [low, high] = bounds_of(picture.type, picture.range);
    for (std::size_t i = 0; i < samples.size(); ++i) {
      if (pretext::detail::is_nan(samples[i])) continue;
      const double value = std::clamp(static_cast<double>((samples[i] - low) / (high - low)), 0., 1.);
      const std::size_t c = i % picture.channels;
      sum[c] += value;
      squares[c] += value * value;
      ++count[c];
    }
  });
  channel_statistics found;
  for (std::size_t c = 0; c < sum.size(); ++c) {
    const double pixels = std::max(count[c], 1.), mean = sum[c] / pixels;
    const double variance = std::max(squares[c] / pixels - mean * mean, 0.);
    found.mean.push_back(static_cast<float>(mean));
    found.deviation.push_back(variance > 0 ? static_cast<float>(std::sqrt(variance)) : 1.f);
  }
  return found;
}

/// The `low`-th and `high`-th percentile, 0 to 100, of the samples of at most `limit` images, spread evenly
/// over the source: the window of a data set. Up to 4096 samples of each image count.
inline sample_range percentiles_of(const any_source& source, float low, float high,
                                   std::size_t limit = 2048) {
  std::vector<float> samples;
  detail::for_each_readable(source, limit, [&](const image& picture) {
    append_samples(picture, picture.pixels.size() / size_of(picture.type) / 4096 | 1, samples);
  });
  return percentiles_of(samples, low, high);
}

}  // namespace pretext::inline v0_1
