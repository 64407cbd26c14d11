// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <pretext/core/expects.hpp>
#include <pretext/core/random.hpp>
#include <pretext/data/source.hpp>
#include <pretext/data/textures.hpp>

namespace pretext::inline v0_1 {

/// Procedural pictures, for trying a method without a download: ten textures in near-gray, randomly rotated,
/// scaled, shifted, lit and inverted, so that the pattern determines the class and single pixels reveal
/// little. A pure function of (seed, index); the class is index modulo ten.
class builtin_source {
 public:
  struct options {
    std::size_t count = 10'000;  ///< pictures
    std::size_t side = 32;       ///< pixels
    std::uint64_t seed = 1;
    std::uint64_t first = 0;  ///< index of the first picture: disjoint sets of one seed
  };

  /// Throws std::invalid_argument unless the side is 1 to 4096.
  explicit builtin_source(options requested) : options_{requested} {
    expects(requested.side > 0 && requested.side <= 4096, "built-in pictures of ", requested.side, " x ",
            requested.side, " pixels cannot be drawn; choose a side of 1 to 4096");
  }

  std::size_t size() const { return options_.count; }
  int label(std::size_t index) const {
    return static_cast<int>((options_.first + index) % textures::names().size());
  }
  const std::vector<std::string>& class_names() const { return textures::names(); }
  std::string name(std::size_t index) const {
    return str_cat("built-in picture ", options_.first + index, " of seed ", options_.seed);
  }
  void read(std::size_t index, image& out) const;

 private:
  options options_;
};

namespace detail {

/// All random properties of one picture except its texture.
struct scene {
  float cosine, sine, scale;  ///< rotation, and pattern units per picture
  textures::point shift;      ///< pattern units
  float duty;                 ///< dark fraction of the pattern
  std::array<float, 3> dark, light;
  textures::point slope;  ///< gradient of the light across the picture
  float grain;            ///< amplitude of the noise

  explicit scene(const random_key& key) {
    std::uint32_t draw = 0;
    const auto uniform = [&](float low, float high) { return key.uniform(draw++, low, high); };
    const float angle = uniform(0, 6.2831853f);
    cosine = std::cos(angle);
    sine = std::sin(angle);
    scale = 3.0f * std::exp2(uniform(0, 1));
    shift = {uniform(0, 16), uniform(0, 16)};
    duty = uniform(0.35f, 0.65f);
    const bool inverted = uniform(0, 1) < 0.5f;
    const float middle = uniform(0.35f, 0.65f), contrast = uniform(0.16f, 0.34f);
    for (std::size_t c = 0; c < 3; ++c) {
      const float low = middle - contrast + uniform(-0.05f, 0.05f);
      const float high = middle + contrast + uniform(-0.05f, 0.05f);
      dark[c] = inverted ? high : low;
      light[c] = inverted ? low : high;
    }
    const float strength = uniform(0, 0.35f), direction = uniform(0, 6.2831853f);
    slope = {strength * std::cos(direction), strength * std::sin(direction)};
    grain = uniform(0.01f, 0.06f);
  }
};

}  // namespace detail

inline void builtin_source::read(std::size_t index, image& out) const {
  expects(index < size(), "there is no picture ", index, " among ", size());
  const std::size_t side = options_.side;
  const random_key key{.seed = options_.seed, .sample = options_.first + index};
  const auto kind = static_cast<std::size_t>(label(index));
  const detail::scene scene{key};
  const textures::lattice random{{.seed = key.seed, .sample = key.sample, .view = 1}};
  const random_key grain{.seed = key.seed, .sample = key.sample, .view = 2};
  // The centre of rings must be visible; all other textures are homogeneous.
  const auto near_middle = [&](float shift) { return scene.scale * (shift / 16 - 0.5f); };
  const textures::point origin =
      kind == 3 ? textures::point{near_middle(scene.shift.u), near_middle(scene.shift.v)} : scene.shift;
  out.resize<std::uint8_t>(side, side, 3);
  const float step = 1 / static_cast<float>(side);
  for (std::size_t y = 0; y < side; ++y)
    for (std::size_t x = 0; x < side; ++x) {
      const float left = (static_cast<float>(x) + 0.5f) * step - 0.5f;
      const float top = (static_cast<float>(y) + 0.5f) * step - 0.5f;
      float shade = 0;
      for (const float dx : {-0.25f, 0.25f})
        for (const float dy : {-0.25f, 0.25f}) {
          const float u = left + dx * step, v = top + dy * step;
          const textures::point p = {scene.scale * (scene.cosine * u - scene.sine * v) + origin.u,
                                     scene.scale * (scene.sine * u + scene.cosine * v) + origin.v};
          shade += 0.25f * textures::shade(kind, random, p, scene.duty);
        }
      const float light = 1 + scene.slope.u * 2 * left + scene.slope.v * 2 * top;
      const float noise =
          scene.grain * 3.46f * (grain.uniform(static_cast<std::uint32_t>(y * side + x)) - 0.5f);
      for (std::size_t c = 0; c < 3; ++c) {
        const float value = light * std::lerp(scene.dark[c], scene.light[c], shade) + noise;
        out.pixels[(y * side + x) * 3 + c] =
            static_cast<std::uint8_t>(std::clamp(255 * value + 0.5f, 0.0f, 255.0f));
      }
    }
}

static_assert(Source<builtin_source>);

}  // namespace pretext::inline v0_1
