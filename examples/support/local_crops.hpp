#pragma once
#include <array>
#include <cstddef>
#include <type_traits>
#include <utility>

#include <pretext/augment/views.hpp>
#include <pretext/core/shape.hpp>
#include <pretext/core/view_groups.hpp>
#include <pretext/encoders/convnext.hpp>
#include <pretext/encoders/vit.hpp>
#include <pretext/encoders/vit_recipes.hpp>

#include "compiled_parts.hpp"
#include "encoder_list.hpp"

// Multi-crop (Caron et al. 2020, §3.2): besides two large crops of an image, a method sees small ones. Their
// number is a part of the method's type; CMake's list PRETEXT_LOCAL_CROPS says which numbers are compiled.
namespace programs {

/// A number of small crops.
template <std::size_t Count>
using crop_count = std::integral_constant<std::size_t, Count>;

/// Calls `make(crop_count<N>)` for the compiled number that is wanted. Throws std::invalid_argument with the
/// command that compiles it if there is none.
template <class Product, class Make>
Product for_local_crops(std::size_t wanted, const Make& make) {
  return [&]<std::size_t... I>(std::index_sequence<I...>)->Product {
    Product result{};
    const bool found = ((wanted == compiled_local_crops[I] &&
                         (result = make(crop_count<compiled_local_crops[I]>{}), true)) ||
                        ...);
    if (!found) throw_local_crops_not_compiled(wanted);
    return result;
  }
  (std::make_index_sequence<compiled_local_crops.size()>{});
}

/// What the side of an encoder's small images must be a multiple of. Multiples of 16 are of patches of 4, 8
/// and 16 pixels and of a ResNet's stride.
template <class Encoder>
constexpr std::size_t side_unit(std::size_t side) {
  const std::size_t usual = side < 32 ? 4 : 16;
  if constexpr (requires { Encoder::patch; }) return usual % Encoder::patch == 0 ? usual : Encoder::patch;
  return std::is_same_v<Encoder, pretext::convnext_tiny> ? 32 : usual;
}

/// The side of small crops: 3/7 of that of the large ones, as 96 of 224 pixels are, and up to a multiple of
/// what the encoder needs.
template <class Encoder>
constexpr std::size_t local_side(std::size_t side) {
  const std::size_t unit = side_unit<Encoder>(side), least = (3 * side + 6) / 7;
  return (least + unit - 1) / unit * unit;
}

template <class Images>
struct vit_for {
  template <std::size_t Patch, std::size_t Width, std::size_t Depth, std::size_t Heads, class Recipe>
  static pretext::vit<Patch, Width, Depth, Heads, pretext::with_grid<Recipe, Images>> convert(
      const pretext::vit<Patch, Width, Depth, Heads, Recipe>*);
};
template <class Encoder, class Images>
struct encoder_of_all_sizes {
  using type = Encoder;
};
template <class Encoder, class Images>
  requires requires { Encoder::patch; }
struct encoder_of_all_sizes<Encoder, Images> {
  using type = decltype(vit_for<Images>::convert(static_cast<const Encoder*>(nullptr)));
};
/// An encoder that has the same parameters for images of other sizes: the positions of a vision transformer
/// belong to `Images` and are resized.
template <class Encoder, class Images>
using all_sizes_of = typename encoder_of_all_sizes<Encoder, Images>::type;

}  // namespace programs
