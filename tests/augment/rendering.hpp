#pragma once
#include <cmath>
#include <cstdint>
#include <vector>

#include <pretext/augment/presets.hpp>
#include <pretext/core/context.hpp>
#include <pretext/core/image.hpp>
#include <pretext/kernels/cpu/augment.hpp>

namespace pretext_tests {

/// Channels last, in [0, 1].
struct float_image {
  std::size_t height = 0, width = 0, channels = 0;
  std::vector<float> pixels;
};

inline float_image random_floats(std::size_t height, std::size_t width, std::size_t channels,
                                 std::uint64_t seed) {
  float_image made{height, width, channels, std::vector<float>(height * width * channels)};
  for (std::size_t i = 0; i < made.pixels.size(); ++i)
    made.pixels[i] = pretext::random_key{.seed = seed, .sample = i}.uniform(0);
  return made;
}

inline pretext::image random_bytes(std::size_t height, std::size_t width, std::size_t channels,
                                   std::uint64_t seed) {
  pretext::image made{height, width, channels, std::vector<std::uint8_t>(height * width * channels)};
  for (std::size_t i = 0; i < made.pixels.size(); ++i)
    made.pixels[i] =
        static_cast<std::uint8_t>(pretext::random_key{.seed = seed, .sample = i}.uniform_int(0, 256));
  return made;
}

/// A view of any size with choices made by hand.
template <std::size_t Channels = 3, class Augmentation, class Image>
std::vector<float> render(const Augmentation& pipeline, const pretext::view_choices<Augmentation>& choices,
                          const Image& image, pretext::image_extent view) {
  std::vector<float> out(view.height * view.width * Channels);
  pretext::kernels::augment<pretext::cpu>::render<Channels>(pipeline, choices, image, view, out.data());
  return out;
}

/// One operation alone, on an image that keeps its size.
template <class Op, class Image>
std::vector<float> apply(const Op& op, const typename Op::choice& choice, const Image& image) {
  const pretext::augmentation pipeline{op};
  pretext::view_choices<decltype(pretext::augmentation{op})> choices;
  pipeline.template chosen<Op>(choices) = choice;
  return render(pipeline, choices, image, {image.height, image.width});
}

template <class A, class B>
double largest_difference(const A& a, const B& b) {
  if (a.size() != b.size()) return INFINITY;
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double difference = std::fabs(static_cast<double>(a[i]) - static_cast<double>(b[i]));
    if (!(difference <= largest)) largest = difference;
  }
  return largest;
}

}  // namespace pretext_tests
