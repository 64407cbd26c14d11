#pragma once
#include <cstddef>
#include <string>
#include <tuple>

#include <pretext/core/expects.hpp>
#include <pretext/encoders/resnet.hpp>
#include <pretext/encoders/vit.hpp>

#include "recipe.hpp"

namespace programs {

/// An encoder that the programs are compiled with, for one size of images.
template <class Encoder, std::size_t Size>
struct compiled {
  using encoder = Encoder;
  using images = pretext::shape<Size, Size, 3>;
  static constexpr std::size_t size = Size;
  static constexpr std::size_t feature = pretext::output_of<Encoder, images>::size;

  const char* name;
  const char* about;
};

/// The convolutional ones. Add a line for another one: every program that can train it offers it then.
inline constexpr std::tuple resnets{
    compiled<pretext::resnet18<pretext::stem::cifar, 16>, 32>{"resnet18-thin",
                                                              "width 16, 3x3 stem, 0.7 M parameters"},
    compiled<pretext::resnet18<pretext::stem::cifar>, 32>{"resnet18", "3x3 stem, 11.2 M parameters"},
    compiled<pretext::resnet50<pretext::stem::cifar>, 32>{"resnet50", "3x3 stem, 23.5 M parameters"},
    compiled<pretext::resnet18<>, 96>{"resnet18", "7x7 stem, 11.2 M parameters"},
    compiled<pretext::resnet18<>, 224>{"resnet18", "7x7 stem, 11.2 M parameters"},
    compiled<pretext::resnet50<>, 224>{"resnet50", "7x7 stem, 23.5 M parameters"},
};

/// The vision transformers, told by a recipe how they start and what their feature is.
template <class Recipe = pretext::mae_pretraining>
inline constexpr std::tuple vits{
    compiled<pretext::vit<4, 128, 6, 4, Recipe>, 32>{
        "vit-micro", "4-pixel patches, width 128, 6 blocks, 1.2 M parameters"},
    compiled<pretext::vit_tiny<4, Recipe>, 32>{"vit-tiny", "4-pixel patches, 5.4 M parameters"},
    compiled<pretext::vit_small<16, Recipe>, 224>{"vit-small", "16-pixel patches, 21.7 M parameters"},
    compiled<pretext::vit_base<16, Recipe>, 224>{"vit-base", "16-pixel patches, 85.8 M parameters"},
};

/// One line for each encoder of a list, for --help and for error messages.
template <class... Choices>
std::string names_of(const std::tuple<Choices...>& list) {
  std::string names;
  const auto add = [&](const auto& choice) {
    names += pretext::str_cat("\n  ", choice.name, " at ", choice.size, ": ", choice.about);
  };
  std::apply([&](const auto&... choice) { (add(choice), ...); }, list);
  return names;
}

/// `make(choice)` for the encoder and the image size of the recipe. Throws std::invalid_argument that lists
/// the choices if they are not in the list.
template <class Base, class... Choices, class Make>
Base make_chosen(const std::tuple<Choices...>& list, const recipe& asked, const Make& make) {
  Base made{};
  const auto try_one = [&](const auto& choice) {
    if (!made && asked.encoder == choice.name && asked.image_size == choice.size) made = make(choice);
  };
  std::apply([&](const auto&... choice) { (try_one(choice), ...); }, list);
  if (!made)
    pretext::throw_error("encoder ", asked.encoder, " at ", asked.image_size,
                         " pixels was not compiled into this program; it has:", names_of(list),
                         "\nadd a line to examples/support/encoder_list.hpp for another one");
  return made;
}

}  // namespace programs
