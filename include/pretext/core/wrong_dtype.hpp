// SPDX-License-Identifier: MIT
#pragma once
#include <concepts>

#include <pretext/core/bfloat16.hpp>
#include <pretext/core/context.hpp>
#include <pretext/core/tensor.hpp>

namespace pretext::inline v0_1::detail {

/// A batch of shape S whose element type is not that of the context's activations.
template <class Views, class Context, class S>
concept WrongDtype = !std::convertible_to<const Views&, reads<Context, S>> &&
                     (std::convertible_to<const Views&, tensor_view<const float, S>> ||
                      std::convertible_to<const Views&, tensor_view<const double, S>> ||
                      std::convertible_to<const Views&, tensor_view<const bfloat16, S>>);

/// The compiler's message for it.
template <class Context, class Views>
constexpr void wrong_dtype() {
  static_assert(
      std::same_as<Context, Views>,  // never
      "pretext: the elements of these views have another type than the context's activations. Make them a "
      "tensor<Context::activation, ...>, which is bfloat16 for on<cuda_gpu> and float for on<cuda_gpu, "
      "fp32>; "
      "augment writes either type.");
}

}  // namespace pretext::inline v0_1::detail
