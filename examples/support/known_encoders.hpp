#pragma once
// The encoders that CMake's list PRETEXT_ENCODERS may name, as NAME@PIXELS. A new specialisation here is all
// that a new one needs: CMake reads the names from these lines (examples/encoders.cmake), and "vit-" begins
// the names of those with patches.
#include <cstddef>

#include <pretext/core/fixed_string.hpp>
#include <pretext/encoders/convnext.hpp>
#include <pretext/encoders/mobilenet_v3.hpp>
#include <pretext/encoders/resnet.hpp>
#include <pretext/encoders/vit.hpp>

namespace programs {

/// What a name means: `encoder` and its `stem`, or `resnet<Stem>`, or `vit<Patch, Recipe>`, and a description
/// of it without stem and patches.
template <pretext::fixed_string Name>
struct known_encoder;

template <>
struct known_encoder<"resnet18-thin"> {
  static constexpr const char* description = "width 16, 0.7 M parameters";
  template <pretext::stem Stem>
  using resnet = pretext::resnet18<Stem, 16>;
};
template <>
struct known_encoder<"resnet18"> {
  static constexpr const char* description = "11.2 M parameters";
  template <pretext::stem Stem>
  using resnet = pretext::resnet18<Stem>;
};
template <>
struct known_encoder<"resnet34"> {
  static constexpr const char* description = "21.3 M parameters";
  template <pretext::stem Stem>
  using resnet = pretext::resnet34<Stem>;
};
template <>
struct known_encoder<"resnet50"> {
  static constexpr const char* description = "23.5 M parameters";
  template <pretext::stem Stem>
  using resnet = pretext::resnet50<Stem>;
};
template <>
struct known_encoder<"resnet101"> {
  static constexpr const char* description = "42.5 M parameters";
  template <pretext::stem Stem>
  using resnet = pretext::resnet101<Stem>;
};
template <>
struct known_encoder<"convnext-tiny"> {
  static constexpr const char *description = "27.8 M parameters", *stem = "4x4 stem";
  using encoder = pretext::convnext_tiny;
};
template <>
struct known_encoder<"mobilenetv3-small"> {
  static constexpr const char *description = "1.5 M parameters", *stem = "3x3 stem of stride 2";
  using encoder = pretext::mobilenet_v3_small;
};
template <>
struct known_encoder<"mobilenetv3-large"> {
  static constexpr const char *description = "4.2 M parameters", *stem = "3x3 stem of stride 2";
  using encoder = pretext::mobilenet_v3_large;
};
template <>
struct known_encoder<"vit-micro"> {
  static constexpr const char* description = "width 128, 6 blocks, 1.2 M parameters";
  template <std::size_t Patch, class Recipe>
  using vit = pretext::vit<Patch, 128, 6, 4, Recipe>;
};
template <>
struct known_encoder<"vit-tiny"> {
  static constexpr const char* description = "width 192, 12 blocks, 5.4 M parameters";
  template <std::size_t Patch, class Recipe>
  using vit = pretext::vit_tiny<Patch, Recipe>;
};
template <>
struct known_encoder<"vit-small"> {
  static constexpr const char* description = "width 384, 12 blocks, 21.7 M parameters";
  template <std::size_t Patch, class Recipe>
  using vit = pretext::vit_small<Patch, Recipe>;
};
template <>
struct known_encoder<"vit-base"> {
  static constexpr const char* description = "width 768, 12 blocks, 85.8 M parameters";
  template <std::size_t Patch, class Recipe>
  using vit = pretext::vit_base<Patch, Recipe>;
};
template <>
struct known_encoder<"vit-large"> {
  static constexpr const char* description = "width 1024, 24 blocks, 303 M parameters";
  template <std::size_t Patch, class Recipe>
  using vit = pretext::vit_large<Patch, Recipe>;
};
template <>
struct known_encoder<"vit-huge"> {
  static constexpr const char* description = "width 1280, 32 blocks, 631 M parameters";
  template <std::size_t Patch, class Recipe>
  using vit = pretext::vit_huge<Patch, Recipe>;
};

/// One 3x3 convolution for images of up to 64 pixels, of which a 7x7 stem would leave two rows.
constexpr pretext::stem stem_for(std::size_t pixels) {
  return pixels <= 64 ? pretext::stem::cifar : pretext::stem::imagenet;
}

}  // namespace programs
