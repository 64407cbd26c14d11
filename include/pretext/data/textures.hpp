// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <pretext/core/random.hpp>

namespace pretext::inline v0_1::textures {

/// A point in a texture, whose pattern repeats about once per unit.
struct point {
  float u = 0, v = 0;
};

/// The largest integer that is not above x. (std::floor is a call into the C library on baseline x86-64, and
/// a picture needs thousands.)
inline int floor_of(float x) {
  const int whole = static_cast<int>(x);
  return whole - (x < static_cast<float>(whole) ? 1 : 0);
}
/// The nearest integer.
inline float round_of(float x) { return static_cast<float>(floor_of(x + 0.5f)); }
/// The distance to the nearest integer, 0 to 1/2.
inline float to_integer(float x) { return std::abs(x - round_of(x)); }
/// The length of the vector (u, v).
inline float length(float u, float v) { return std::sqrt(u * u + v * v); }
/// A smooth step from 0 to 1 around x = 0 of the given width.
inline float edge(float x, float width = 0.08f) {
  const float t = std::clamp(x / (2 * width) + 0.5f, 0.0f, 1.0f);
  return t * t * (3 - 2 * t);
}

/// Two random numbers per corner of a lattice that repeats after 16 units.
class lattice {
 public:
  explicit lattice(random_key key) {
    for (std::uint32_t i = 0; i < values_.size(); ++i)
      values_[i] = {key.uniform(2 * i + 1024), key.uniform(2 * i + 1025)};
  }
  point at(int column, int row) const {
    return values_[static_cast<std::size_t>((row & 15) * 16 + (column & 15))];
  }
  /// Smooth noise in [0, 1] with features one unit wide.
  float noise(point p) const {
    const int i = floor_of(p.u), j = floor_of(p.v);
    const auto ease = [](float t) { return t * t * (3 - 2 * t); };
    const float a = ease(p.u - static_cast<float>(i)), b = ease(p.v - static_cast<float>(j));
    const float above = std::lerp(at(i, j).u, at(i + 1, j).u, a);
    const float below = std::lerp(at(i, j + 1).u, at(i + 1, j + 1).u, a);
    return std::lerp(above, below, b);
  }

 private:
  std::array<point, 256> values_;
};

/// Parallel stripes.
inline float stripes(point p, float duty) { return edge(to_integer(p.u) - duty / 2); }

/// A checkerboard.
inline float checks(point p, float) {
  const float a = to_integer(p.u / 2) - 0.25f, b = to_integer(p.v / 2) - 0.25f;
  const float inside = 2 * std::min(std::abs(a), std::abs(b));
  return edge(a * b < 0 ? -inside : inside);
}

/// Discs on a hexagonal lattice.
inline float dots(point p, float duty) {
  const float row = round_of(p.v / 0.866f);
  float nearest = 4;
  for (const float near_row : {row - 1, row, row + 1}) {
    const float du = to_integer(p.u - near_row / 2), dv = p.v - 0.866f * near_row;
    nearest = std::min(nearest, du * du + dv * dv);
  }
  return edge(std::sqrt(nearest) - (0.18f + 0.22f * duty));
}

/// Concentric rings.
inline float rings(point p, float duty) { return edge(to_integer(length(p.u, p.v)) - duty / 2); }

/// Zigzag lines.
inline float zigzags(point p, float duty) {
  return edge(to_integer(p.u + 1.2f * to_integer(p.v / 1.6f)) - duty / 2);
}

/// A wall of bricks twice as wide as high.
inline float bricks(point p, float) {
  const int row = floor_of(p.v / 0.8f);
  const float joint = to_integer(p.v / 0.8f) * 0.8f;
  const float end = to_integer(p.u / 1.6f + (row % 2 != 0 ? 0.5f : 0.0f)) * 1.6f;
  return edge(std::min(joint, end) - 0.1f, 0.06f);
}

/// Basket weave: squares of three strands, alternately horizontal and vertical.
inline float weave(point p, float duty) {
  const bool across = (floor_of(p.u / 1.5f) + floor_of(p.v / 1.5f)) % 2 != 0;
  return edge(to_integer((across ? p.u : p.v) * 2) - duty / 2, 0.15f);
}

/// The borders of Voronoi cells around scattered seeds.
inline float cells(const lattice& random, point p) {
  const int i = floor_of(p.u), j = floor_of(p.v);
  float first = 9, second = 9;  // squared distances
  for (int row = j - 1; row <= j + 1; ++row)
    for (int column = i - 1; column <= i + 1; ++column) {
      const point seed = random.at(column, row);
      const float du = static_cast<float>(column) + seed.u - p.u, dv = static_cast<float>(row) + seed.v - p.v;
      const float distance = du * du + dv * dv;
      second = std::min(second, std::max(first, distance));
      first = std::min(first, distance);
    }
  return edge(std::sqrt(second) - std::sqrt(first) - 0.14f);
}

/// Blots with ragged outlines.
inline float blots(const lattice& random, point p) {
  const float broad = random.noise({1.2f * p.u, 1.2f * p.v});
  const float fine = random.noise({2.9f * p.u + 5, 2.9f * p.v + 3});
  return edge(0.7f * broad + 0.3f * fine - 0.5f, 0.04f);
}

/// Overlapping scales in rows.
inline float scales(point p, float) {
  const float height = 0.5f;
  const int row = floor_of(p.v / height);
  float shade = 0;
  for (int back = 0; back < 3; ++back) {  // a scale hides those of the rows behind it
    const auto from = static_cast<float>(row - back);
    const float du = p.u - round_of(p.u - from / 2) - from / 2, dv = p.v - height * from;
    const float radius = length(du, dv);
    if (radius < 0.56f) shade = edge(0.44f - radius, 0.06f);
  }
  return shade;
}

/// The names of the textures, in the order of `shade`.
inline const std::vector<std::string>& names() {
  static const std::vector<std::string> all{"stripes", "checks", "dots",  "rings", "zigzags",
                                            "bricks",  "weave",  "cells", "blots", "scales"};
  return all;
}

/// The brightness in [0, 1] of texture `kind` at a point; `duty` in (0, 1) is the dark fraction of a pattern
/// that has one.
inline float shade(std::size_t kind, const lattice& random, point p, float duty) {
  switch (kind) {
    case 0:
      return stripes(p, duty);
    case 1:
      return checks(p, duty);
    case 2:
      return dots(p, duty);
    case 3:
      return rings(p, duty);
    case 4:
      return zigzags(p, duty);
    case 5:
      return bricks(p, duty);
    case 6:
      return weave(p, duty);
    case 7:
      return cells(random, p);
    case 8:
      return blots(random, p);
    default:
      return scales(p, duty);
  }
}

}  // namespace pretext::inline v0_1::textures
