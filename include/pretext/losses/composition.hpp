// SPDX-License-Identifier: MIT
#pragma once
#include <concepts>
#include <cstddef>
#include <tuple>

#include <pretext/core/context.hpp>
#include <pretext/core/expects.hpp>
#include <pretext/core/is_finite.hpp>
#include <pretext/kernels/elementwise.hpp>
#include <pretext/losses/concepts.hpp>

namespace pretext::inline v0_1 {

/// A loss times a weight, in value and gradient.
template <class L>
struct weighted_loss {
  double weight = 1;
  L loss{};

  friend bool operator==(const weighted_loss&, const weighted_loss&) = default;

  void check() const {
    expects(detail::is_finite(weight), "weighted_loss: weight ", weight, " must be finite");
    if constexpr (requires { loss.check(); }) loss.check();
  }

  template <class Context, class... Tensors>
    requires std::invocable<const L&, Context&, Tensors...>
  typename Context::loss_value operator()(Context& context, Tensors... tensors) const {
    using T = typename Context::activation;
    const arena_scope guard{context.workspace};
    std::tuple arguments{tensors...};
    auto& unweighted = std::get<sizeof...(Tensors) - 1>(arguments);
    T* const gradient = unweighted.data;
    const std::size_t size = unweighted.size();
    unweighted.data = context.workspace.template allocate<T>(size);
    Context::device::clear(context.stream, unweighted.data, size);
    const typename Context::loss_value value =
        std::apply([&](const auto&... each) { return loss(context, each...); }, arguments);
    kernels::elementwise<typename Context::device>::axpy(context, size,
                                                         static_cast<typename Context::weight>(weight),
                                                         static_cast<const T*>(unweighted.data), gradient);
    return weight * value;
  }
};

/// The sum of two losses of the same tensors.
template <class First, class Second>
struct loss_sum {
  First first{};
  Second second{};

  friend bool operator==(const loss_sum&, const loss_sum&) = default;

  void check() const {
    if constexpr (requires { first.check(); }) first.check();
    if constexpr (requires { second.check(); }) second.check();
  }

  template <class Context, class... Tensors>
    requires(std::invocable<const First&, Context&, Tensors...>&&
                 std::invocable<const Second&, Context&, Tensors...>)
  typename Context::loss_value operator()(Context& context, Tensors... tensors) const {
    const typename Context::loss_value value = first(context, tensors...);
    return value + second(context, tensors...);
  }
};

/// `nt_xent{} + 0.1 * other{}` is a loss.
template <Loss First, Loss Second>
constexpr loss_sum<First, Second> operator+(First first, Second second) {
  return {first, second};
}
/// `0.1 * nt_xent{}` is a loss: value and gradient are multiplied.
template <Loss L>
constexpr weighted_loss<L> operator*(double weight, L loss) {
  return {weight, loss};
}

}  // namespace pretext::inline v0_1
