#pragma once
#include <cstddef>
#include <memory>
#include <string>
#include <tuple>

#include <pretext/core/expects.hpp>
#include <pretext/encoders/resnet.hpp>
#include <pretext/encoders/vit.hpp>

#include "recipe.hpp"

namespace programs {

/// An encoder for one image size and number of channels that is compiled into the programs.
template <class Encoder, std::size_t Size, std::size_t Channels = PRETEXT_CHANNELS>
struct compiled_encoder {
  using encoder = Encoder;
  using images = pretext::shape<Size, Size, Channels>;
  static constexpr std::size_t size = Size, channels = Channels;
  static constexpr std::size_t feature = pretext::output_of<Encoder, images>::size;

  const char* name;
  const char* description;
};

/// The convolutional encoders. A new line here offers an encoder in every program that can train it. All but
/// the one for gray images take the channels that CMake's PRETEXT_CHANNELS says.
inline constexpr std::tuple resnets{
    compiled_encoder<pretext::resnet18<pretext::stem::cifar, 16>, 32, 1>{
        "resnet18-thin", "width 16, 3x3 stem, 0.7 M parameters"},
    compiled_encoder<pretext::resnet18<pretext::stem::cifar, 16>, 32>{"resnet18-thin",
                                                                      "width 16, 3x3 stem, 0.7 M parameters"},
    compiled_encoder<pretext::resnet18<pretext::stem::cifar>, 32>{"resnet18", "3x3 stem, 11.2 M parameters"},
    compiled_encoder<pretext::resnet50<pretext::stem::cifar>, 32>{"resnet50", "3x3 stem, 23.5 M parameters"},
    compiled_encoder<pretext::resnet18<>, 96>{"resnet18", "7x7 stem, 11.2 M parameters"},
    compiled_encoder<pretext::resnet18<>, 224>{"resnet18", "7x7 stem, 11.2 M parameters"},
    compiled_encoder<pretext::resnet50<>, 224>{"resnet50", "7x7 stem, 23.5 M parameters"},
};

/// The vision transformers. `Recipe` chooses their initialisation and their feature.
template <class Recipe = pretext::mae_pretraining>
inline constexpr std::tuple vits{
    compiled_encoder<pretext::vit<4, 128, 6, 4, Recipe>, 32>{
        "vit-micro", "4-pixel patches, width 128, 6 blocks, 1.2 M parameters"},
    compiled_encoder<pretext::vit_tiny<4, Recipe>, 32>{"vit-tiny", "4-pixel patches, 5.4 M parameters"},
    compiled_encoder<pretext::vit_small<16, Recipe>, 224>{"vit-small", "16-pixel patches, 21.7 M parameters"},
    compiled_encoder<pretext::vit_base<16, Recipe>, 224>{"vit-base", "16-pixel patches, 85.8 M parameters"},
};

/// The encoders that `finetune` offers. Its ViTs are those of MAE's fine-tuning: their positions are trained
/// and their feature is the mean of their tokens.
inline constexpr auto finetune_encoders = std::tuple_cat(resnets, vits<pretext::mae_fine_tuning>);

/// One line per encoder of a list, for --help and for error messages.
template <class... Encoders>
std::string names_of(const std::tuple<Encoders...>& list) {
  std::string names;
  const auto add = [&](const auto& encoder) {
    names +=
        pretext::str_cat("\n  ", encoder.name, " at ", encoder.size,
                         encoder.channels == 3 ? "" : pretext::str_cat(", --channels ", encoder.channels),
                         ": ", encoder.description);
  };
  std::apply([&](const auto&... encoder) { (add(encoder), ...); }, list);
  return names;
}

/// `make(encoder)` for the entry of the list that has the encoder, image size and channels of `config`, a
/// recipe or what a file records. Throws std::invalid_argument that lists the encoders if there is none.
template <class Product, class... Encoders, class Config, class Make>
std::unique_ptr<Product> make_for_encoder(const std::tuple<Encoders...>& list, const Config& config,
                                          const Make& make) {
  std::unique_ptr<Product> result;
  const auto try_encoder = [&](const auto& encoder) {
    if (!result && config.encoder == encoder.name && config.image_size == encoder.size &&
        config.channels == encoder.channels)
      result = make(encoder);
  };
  std::apply([&](const auto&... encoder) { (try_encoder(encoder), ...); }, list);
  if (!result)
    pretext::throw_error("encoder ", config.encoder, " at ", config.image_size, " pixels",
                         config.channels == 3 ? "" : pretext::str_cat(" and ", config.channels, " channels"),
                         " was not compiled into this program; it has:", names_of(list),
                         "\nTo add an encoder, add a line to examples/support/encoder_list.hpp.");
  return result;
}

}  // namespace programs
