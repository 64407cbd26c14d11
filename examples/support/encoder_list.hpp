#pragma once
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>

#include <pretext/core/shape.hpp>
#include <pretext/layers/sequential.hpp>

#include "compiled_parts.hpp"
#include "known_encoders.hpp"

namespace programs {

/// An encoder for one image size and number of channels that is compiled into the programs.
template <class Encoder, std::size_t Size, std::size_t Channels>
struct compiled_encoder {
  using encoder = Encoder;
  using images = pretext::shape<Size, Size, Channels>;
  static constexpr std::size_t size = Size, channels = Channels;
  static constexpr std::size_t feature = pretext::output_of<Encoder, images>::size;

  const char* name;       // as in recipes: with the patch size where it is not the usual one for this size
  const char* full_name;  // with the patch size, if it has patches
  const char* description;
  const char* stem = nullptr;  // of an encoder without patches

  /// Is it the encoder of these words of a recipe?
  bool is(std::string_view wanted, std::size_t image_size, std::size_t image_channels) const {
    return (wanted == name || wanted == full_name) && image_size == Size && image_channels == Channels;
  }
  std::string line() const {
    return pretext::str_cat(name, " at ", Size,
                            Channels == 3 ? "" : pretext::str_cat(", --channels ", Channels), ": ",
                            first_layer(), ", ", description);
  }

 private:
  std::string first_layer() const {
    if constexpr (requires { Encoder::patch; })
      return pretext::str_cat(Encoder::patch, "-pixel patches");
    else
      return stem;
  }
};

/// Those of the compiled encoders that a program or a method can use, and what it could use if it were
/// compiled.
template <class... Encoders>
struct encoder_set {
  encoder_kinds kinds;
  std::tuple<Encoders...> encoders;

  constexpr encoder_set(encoder_kinds of, Encoders... all) : kinds{of}, encoders{all...} {}
};

template <class... Left, class... Right>
constexpr auto operator+(const encoder_set<Left...>& left, const encoder_set<Right...>& right) {
  return std::apply(
      [&](const auto&... encoder) {
        return encoder_set<Left..., Right...>{left.kinds | right.kinds, encoder...};
      },
      std::tuple_cat(left.encoders, right.encoders));
}

/// An entry of the list of convolutional encoders.
template <pretext::fixed_string Name, std::size_t Size, std::size_t Channels>
constexpr auto convolutional_entry(const char* name) {
  using known = known_encoder<Name>;
  if constexpr (requires { typename known::encoder; })
    return compiled_encoder<typename known::encoder, Size, Channels>{name, name, known::description,
                                                                     known::stem};
  else
    return compiled_encoder<typename known::template resnet<stem_for(Size)>, Size, Channels>{
        name, name, known::description, stem_for(Size) == pretext::stem::cifar ? "3x3 stem" : "7x7 stem"};
}
/// An entry of the list of vision transformers.
template <pretext::fixed_string Name, std::size_t Patch, std::size_t Size, std::size_t Channels, class Recipe>
constexpr auto vit_entry(const char* name, const char* full_name) {
  using known = known_encoder<Name>;
  return compiled_encoder<typename known::template vit<Patch, Recipe>, Size, Channels>{name, full_name,
                                                                                       known::description};
}

}  // namespace programs

// `convolutional` and `vits<Recipe>`, the entries of PRETEXT_ENCODERS: written by examples/encoders.cmake.
#include "compiled_encoders.hpp"

namespace programs {

/// The encoders that `finetune` offers. Its ViTs are those of MAE's fine-tuning: their positions are trained
/// and their feature is the mean of their tokens.
inline constexpr auto finetune_encoders = convolutional + vits<pretext::mae_fine_tuning>;
/// The encoders of pretraining runs.
inline constexpr auto all_encoders = convolutional + vits<>;

namespace detail {
/// `use` of the vision transformers of a method that has its own.
template <pretext::fixed_string Method, class Recipe, class Use>
auto with_vits_of(const Use& use) -> decltype(use(all_encoders)) {
  if constexpr (is_compiled_method(Method))
    return use(vits<Recipe>);
  else
    throw_method_not_compiled(Method.text);
}
}  // namespace detail

/// `use(set)` for the encoders of a method's runs: most methods share `all_encoders`; the vision transformers
/// of I-JEPA have no class token, those of DINOv2 have LayerScale, and the feature of SimMIM's is a mean.
/// Throws std::invalid_argument if the method has encoders of its own and was not compiled.
template <class Use>
auto with_encoders_of(std::string_view method, const Use& use) {
  if (method == "ijepa") return detail::with_vits_of<"ijepa", pretext::ijepa_pretraining>(use);
  if (method == "dinov2") return detail::with_vits_of<"dinov2", pretext::dinov2_pretraining>(use);
  if (method == "simmim") return detail::with_vits_of<"simmim", pretext::simmim_pretraining>(use);
  return use(all_encoders);
}

/// One line per encoder of a set, for --help and for error messages.
template <class... Encoders>
std::string names_of(const encoder_set<Encoders...>& set) {
  std::string names;
  std::apply([&](const auto&... encoder) { ((names += "\n  " + encoder.line()), ...); }, set.encoders);
  return names;
}

/// `make(encoder)` for the entry of the set that has the encoder, image size and channels of `config`, a
/// recipe or what a file records. Throws std::invalid_argument if there is none: the message lists the
/// encoders, and says how to compile the one that is wanted.
template <class Product, class... Encoders, class Config, class Make>
std::unique_ptr<Product> make_for_encoder(const encoder_set<Encoders...>& set, const Config& config,
                                          const Make& make) {
  std::unique_ptr<Product> result;
  const auto try_encoder = [&](const auto& encoder) {
    if (!result && encoder.is(config.encoder, config.image_size, config.channels)) result = make(encoder);
  };
  std::apply([&](const auto&... encoder) { (try_encoder(encoder), ...); }, set.encoders);
  if (!result)
    throw_not_compiled({config.encoder, config.image_size, config.channels}, set.kinds, names_of(set));
  return result;
}

}  // namespace programs
