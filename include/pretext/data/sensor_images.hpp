// SPDX-License-Identifier: MIT
#pragma once
// Images as cameras of inspection and mapping deliver them, for trying a method without a download: 16 bits,
// of which the interesting part is narrow and lies elsewhere in every image.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <pretext/core/expects.hpp>
#include <pretext/core/image.hpp>
#include <pretext/core/random.hpp>
#include <pretext/data/builtin.hpp>
#include <pretext/data/source.hpp>
#include <pretext/data/textures.hpp>

namespace pretext::inline v0_1 {

/// Procedural 16-bit images. With one channel they resemble electroluminescence of solar cells: two bright
/// busbars and a defect that darkens the cell; six kinds of defects are the classes. With more channels they
/// resemble multispectral images: a pattern of two materials, whose reflectances are random in every channel;
/// the pattern is the class. Rotation, scale, shift, exposure, dark current, illumination and noise are
/// random, so that single pixels reveal little. A pure function of (seed, index); the class is index modulo
/// six.
class sensor_source {
 public:
  struct options {
    std::size_t count = 2000;  ///< images
    std::size_t channels = 1;  ///< 1 to 64
    std::size_t side = 32;     ///< pixels, 8 to 4096
    std::uint64_t seed = 1;
    std::uint64_t first = 0;  ///< index of the first image: disjoint sets of one seed
  };

  /// Throws std::invalid_argument for a side or a number of channels out of range.
  explicit sensor_source(options requested) : options_{requested} {
    expects(
        8 <= requested.side && requested.side <= 4096 && 1 <= requested.channels && requested.channels <= 64,
        "sensor images of ", requested.side, " x ", requested.side, " pixels with ", requested.channels,
        " channels cannot be drawn; choose a side of 8 to 4096 and 1 to 64 channels");
  }

  std::size_t size() const { return options_.count; }
  int label(std::size_t index) const { return static_cast<int>((options_.first + index) % kinds.size()); }
  const std::vector<std::string>& class_names() const {
    static const std::vector<std::string> defects{"fingers",   "corrosion", "rings",
                                                  "scratches", "cracks",    "inactive"},
        patterns{"stripes", "dots", "rings", "zigzags", "cells", "blots"};
    return options_.channels == 1 ? defects : patterns;
  }
  std::string name(std::size_t index) const {
    return str_cat("sensor image ", options_.first + index, " of seed ", options_.seed);
  }
  void read(std::size_t index, image& out) const;

 private:
  static constexpr std::array<std::size_t, 6> kinds{0, 2, 3, 4, 7, 8};  ///< of `textures::shade`

  options options_;
};

inline void sensor_source::read(std::size_t index, image& out) const {
  expects(index < size(), "there is no image ", index, " among ", size());
  const std::size_t side = options_.side, channels = options_.channels;
  const std::size_t kind = kinds[static_cast<std::size_t>(label(index))];
  // Other keys than those of the built-in pictures.
  const random_key key{.seed = options_.seed, .sample = options_.first + index, .view = 16};
  const detail::scene scene{key};
  const textures::lattice random{{.seed = key.seed, .sample = key.sample, .view = 17}};
  const random_key noise{.seed = key.seed, .sample = key.sample, .view = 18};
  std::uint32_t draw = 64;
  const auto uniform = [&](float low, float high) { return key.uniform(draw++, low, high); };
  // Multispectral images have had their dark current corrected: with it, the ratio of two channels would name
  // the image.
  const float drawn_current = uniform(900, 3000), dark_current = channels == 1 ? drawn_current : 1000;
  const float exposure = uniform(1500, 6000);                           // of 65535
  const float busbar = uniform(.15f, .35f), tilt = uniform(-.1f, .1f);  // of the side
  std::vector<float> low(channels), high(channels);
  const float middle = uniform(.4f, .6f), contrast = uniform(.15f, .35f);
  const bool inverted = uniform(0, 1) < .5f && channels > 1;
  for (std::size_t c = 0; c < channels; ++c) {
    // The spectra are those of the materials, the same in every image: others would name the image, and
    // training would learn those instead of the pattern.
    const float place = static_cast<float>(c) / static_cast<float>(channels);
    const float gain = 1 - .5f * place;
    low[c] = gain * (inverted ? middle + contrast : middle - contrast);
    high[c] = gain * (inverted ? middle - contrast : middle + contrast);
  }
  const auto near_middle = [&](float shift) { return scene.scale * (shift / 16 - .5f); };
  const textures::point origin =  // the centre of rings must be visible
      kind == 3 ? textures::point{near_middle(scene.shift.u), near_middle(scene.shift.v)} : scene.shift;
  const auto samples = out.resize<std::uint16_t>(side, side, channels);
  const float step = 1 / static_cast<float>(side);
  std::uint32_t drawn = 0;
  for (std::size_t y = 0; y < side; ++y)
    for (std::size_t x = 0; x < side; ++x) {
      const float left = (static_cast<float>(x) + .5f) * step - .5f,
                  top = (static_cast<float>(y) + .5f) * step - .5f;
      float shade = 0;
      for (const float dx : {-.25f, .25f})
        for (const float dy : {-.25f, .25f}) {
          const float u = left + dx * step, v = top + dy * step;
          shade += .25f * textures::shade(kind, random,
                                          {scene.scale * (scene.cosine * u - scene.sine * v) + origin.u,
                                           scene.scale * (scene.sine * u + scene.cosine * v) + origin.v},
                                          scene.duty);
        }
      const float light = 1 + scene.slope.u * 2 * left + scene.slope.v * 2 * top;
      const bool on_busbar =
          channels == 1 && std::abs(std::abs(left + tilt * top) - busbar) < std::max(.02f, step / 2);
      for (std::size_t c = 0; c < channels; ++c) {
        const float signal = on_busbar ? high[c] + .2f : light * std::lerp(low[c], high[c], shade);
        const float grain = scene.grain * 3.46f * (noise.uniform(drawn++) - .5f);
        samples[(y * side + x) * channels + c] = static_cast<std::uint16_t>(
            std::clamp(dark_current + exposure * (signal + grain) + .5f, 0.f, 65535.f));
      }
    }
}

static_assert(Source<sensor_source>);

}  // namespace pretext::inline v0_1
