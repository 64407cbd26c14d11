#pragma once
#include <concepts>

#include <pretext/core/bfloat16.hpp>
#include <pretext/core/context.hpp>
#include <pretext/core/tensor.hpp>

namespace pretext::detail {

/// A batch of that shape whose numbers are not those that the place keeps activations as.
template <class Views, class Context, class S>
concept WrongDtype = !std::convertible_to<const Views&, reads<Context, S>> &&
                     (std::convertible_to<const Views&, tensor_view<const float, S>> ||
                      std::convertible_to<const Views&, tensor_view<const double, S>> ||
                      std::convertible_to<const Views&, tensor_view<const bfloat16, S>>);

/// Says so where a program does not compile for it.
template <class Context, class Views>
constexpr void wrong_dtype() {
  static_assert(
      std::same_as<Context, Views>,  // never
      "pretext: these views hold another type of number than the place keeps. Make them a "
      "tensor<Place::activation, ...>, which is bfloat16 for on<cuda> and float for on<cuda, fp32>; "
      "augment writes whichever it is.");
}

}  // namespace pretext::detail
