// SPDX-License-Identifier: MIT
#pragma once
// Gray images as an inspection delivers them, for trying a method without a download: surfaces of several
// materials, most of them good, the others with a local defect.
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
#include <pretext/data/source.hpp>
#include <pretext/data/textures.hpp>

namespace pretext::inline v0_1 {

/// Procedural 8-bit gray images of surfaces: cast, brushed, woven, tiled, grained and perforated ones, lit
/// from one side. Half of the images are good; the others have one defect of their class: a scratch, spots,
/// a dent, a crack or a missing patch of the surface. Surface, orientation, scale, light, noise, place and
/// size of the defect are random and independent of the class. A pure function of (seed, index); the class is
/// that of index modulo 20: of 20 images 10, 3, 3, 2, 1 and 1 are of the classes in order.
class inspection_source {
 public:
  struct options {
    std::size_t count = 2000;  ///< images
    std::size_t side = 32;     ///< pixels, 16 to 4096
    std::uint64_t seed = 1;
    std::uint64_t first = 0;  ///< index of the first image: disjoint sets of one seed
  };

  /// Throws std::invalid_argument unless the side is 16 to 4096.
  explicit inspection_source(options requested) : options_{requested} {
    expects(16 <= requested.side && requested.side <= 4096, "inspection images of ", requested.side, " x ",
            requested.side, " pixels cannot be drawn; choose a side of 16 to 4096");
  }

  std::size_t size() const { return options_.count; }
  int label(std::size_t index) const {
    static constexpr std::array<int, 20> classes{0, 1, 0, 2, 0, 3, 0, 1, 0, 2, 0, 4, 0, 1, 0, 2, 0, 3, 0, 5};
    return classes[(options_.first + index) % classes.size()];
  }
  const std::vector<std::string>& class_names() const {
    static const std::vector<std::string> names{"good", "scratch", "spots", "dent", "crack", "missing"};
    return names;
  }
  std::string name(std::size_t index) const {
    return str_cat("inspection image ", options_.first + index, " of seed ", options_.seed);
  }
  void read(std::size_t index, image& out) const;

 private:
  options options_;
};

namespace detail {

/// The random properties of one surface.
struct inspected_surface {
  std::size_t material = 0;
  float cosine = 1, sine = 0, scale = 1;  ///< rotation, and pattern units per image
  textures::point shift;
  float middle = .5f, contrast = .2f;  ///< brightness, and amplitude of the texture
  textures::point slope;               ///< gradient of the light across the image
  float grain = .02f;                  ///< amplitude of the noise

  explicit inspected_surface(const random_key& key) {
    std::uint32_t draw = 0;
    const auto uniform = [&](float low, float high) { return key.uniform(draw++, low, high); };
    material = static_cast<std::size_t>(uniform(0, 5.9999f));
    const float angle = uniform(0, 6.2831853f);
    cosine = std::cos(angle);
    sine = std::sin(angle);
    scale = 4 * std::exp2(uniform(0, 1));
    shift = {uniform(0, 16), uniform(0, 16)};
    middle = uniform(.35f, .65f);
    contrast = uniform(.06f, .16f);
    const float strength = uniform(0, .3f), direction = uniform(0, 6.2831853f);
    slope = {strength * std::cos(direction), strength * std::sin(direction)};
    grain = uniform(.01f, .05f);
  }

  /// Brightness of the material in [0, 1] at a point of the image in [-1/2, 1/2].
  float operator()(const textures::lattice& random, float left, float top) const {
    const textures::point p{scale * (cosine * left - sine * top) + shift.u,
                            scale * (sine * left + cosine * top) + shift.v};
    switch (material) {
      case 0:  // cast: broad and fine noise
        return .6f * random.noise({.7f * p.u, .7f * p.v}) + .4f * random.noise({2.3f * p.u, 2.3f * p.v});
      case 1:  // brushed: noise drawn out along one direction
        return .7f * random.noise({4 * p.u, .15f * p.v}) + .3f * random.noise({1.7f * p.u, .1f * p.v});
      case 2:
        return textures::weave(p, .5f);
      case 3:
        return textures::bricks(p, .5f);
      case 4:  // grained, as wood: stripes that noise bends
        return textures::stripes({1.2f * p.u + 1.5f * random.noise({.5f * p.u, .3f * p.v}), p.v}, .5f);
      default:
        return textures::dots(p, .3f);
    }
  }
};

/// One defect, in the coordinates of the image: what it adds to the brightness, and how much of the surface's
/// pattern it hides.
struct surface_defect {
  int kind = 0;
  float cosine = 1, sine = 0;
  textures::point centre;
  float size = .1f, depth = .3f, bend = 0;
  std::array<textures::point, 4> spots{};

  surface_defect(int defect, const random_key& key) : kind{defect} {
    std::uint32_t draw = 0;
    const auto uniform = [&](float low, float high) { return key.uniform(draw++, low, high); };
    const float angle = uniform(0, 6.2831853f);
    cosine = std::cos(angle);
    sine = std::sin(angle);
    centre = {uniform(-.3f, .3f), uniform(-.3f, .3f)};
    size = uniform(0, 1);
    depth = uniform(.2f, .4f) * (uniform(0, 1) < .5f ? -1.f : 1.f);
    bend = uniform(-1, 1);
    for (auto& spot : spots) spot = {uniform(-.2f, .2f), uniform(-.2f, .2f)};
  }

  struct effect {
    float added = 0, hidden = 0;
  };

  /// `pixel`: the side of a pixel, which is the least width of a line.
  effect operator()(const textures::lattice& random, float left, float top, float pixel) const {
    const float u = cosine * (left - centre.u) - sine * (top - centre.v),
                v = sine * (left - centre.u) + cosine * (top - centre.v);
    const auto line = [&](float offset, float half_length, float width) {
      const float across = std::abs(offset) / std::max(width, .7f * pixel), along = std::abs(u) / half_length;
      return across < 1 && along < 1 ? (1 - across) * std::min(1.f, 4 * (1 - along)) : 0.f;
    };
    switch (kind) {
      case 1:  // a straight or bent line
        return {1.3f * depth * line(v - bend * .8f * u * u, .2f + .25f * size, .025f), 0};
      case 2: {  // small discs
        float all = 0;
        for (const auto& spot : spots)
          all = std::max(
              all, textures::edge(.035f + .035f * size -
                                      textures::length(left - centre.u - spot.u, top - centre.v - spot.v),
                                  .015f));
        return {depth * all, 0};
      }
      case 3: {  // bright towards the light, dark on the other side
        const float radius = .09f + .08f * size, distance = textures::length(u, v) / radius;
        return {std::abs(depth) * 1.6f * u / radius * std::exp(-distance * distance), 0};
      }
      case 4: {  // a dark jagged line
        const float path =
            .3f * (random.noise({9 * u + 31, 3.5f}) - .5f) + .12f * (random.noise({30 * u + 7, 9.5f}) - .5f);
        return {-1.3f * std::abs(depth) * line(v - path, .3f + .2f * size, .025f), 0};
      }
      case 5: {  // a ragged patch without the surface's pattern, darker or brighter
        const float edge = .1f + .1f * size + .08f * (random.noise({8 * u + 3, 8 * v + 5}) - .5f);
        const float inside = textures::edge(edge - std::max(std::abs(u), std::abs(v)), .015f);
        return {.5f * depth * inside, inside};
      }
      default:
        return {};
    }
  }
};

}  // namespace detail

inline void inspection_source::read(std::size_t index, image& out) const {
  expects(index < size(), "there is no image ", index, " among ", size());
  const std::size_t side = options_.side;
  // Other keys than those of the built-in pictures and of the sensor images.
  const auto key = [&](std::uint32_t view) {
    return random_key{.seed = options_.seed, .sample = options_.first + index, .view = view};
  };
  const detail::inspected_surface surface{key(32)};
  const detail::surface_defect defect{label(index), key(33)};
  const textures::lattice pattern{key(34)}, outline{key(35)};
  const random_key noise = key(36);
  const auto pixels = out.resize<std::uint8_t>(side, side, 1);
  const float step = 1 / static_cast<float>(side);
  for (std::size_t y = 0; y < side; ++y)
    for (std::size_t x = 0; x < side; ++x) {
      const float left = (static_cast<float>(x) + .5f) * step - .5f,
                  top = (static_cast<float>(y) + .5f) * step - .5f;
      float value = 0;
      for (const float dx : {-.25f, .25f})
        for (const float dy : {-.25f, .25f}) {
          const float u = left + dx * step, v = top + dy * step;
          const auto [added, hidden] = defect(outline, u, v, step);
          value += .25f * (surface.contrast * (1 - hidden) * (2 * surface(pattern, u, v) - 1) + added);
        }
      const float light = 1 + surface.slope.u * 2 * left + surface.slope.v * 2 * top;
      const float grain =
          surface.grain * 3.46f * (noise.uniform(static_cast<std::uint32_t>(y * side + x)) - .5f);
      pixels[y * side + x] = static_cast<std::uint8_t>(
          std::clamp(255 * (light * (surface.middle + value) + grain) + .5f, 0.f, 255.f));
    }
}

static_assert(Source<inspection_source>);

}  // namespace pretext::inline v0_1
