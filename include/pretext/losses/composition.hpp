#pragma once
#include <concepts>
#include <cstddef>
#include <tuple>

#include <pretext/core/context.hpp>
#include <pretext/kernels/elementwise.hpp>
#include <pretext/losses/concepts.hpp>

namespace pretext {

/// A loss times a number, in value and gradient.
template <class L>
struct weighted {
  double weight = 1;
  L loss{};

  friend bool operator==(const weighted&, const weighted&) = default;

  void check() const {
    if constexpr (requires { loss.check(); }) loss.check();
  }

  template <class Context, class... Tensors>
    requires std::invocable<const L&, Context&, Tensors...>
  typename Context::loss_value operator()(Context& context, Tensors... tensors) const {
    using T = typename Context::activation;
    using device = typename Context::device;
    const arena_scope guard{context.workspace};
    const auto gradient = std::get<sizeof...(Tensors) - 1>(std::tuple{tensors...});
    T* before = context.workspace.template allocate<T>(gradient.size());
    const T* unweighted = gradient.data;
    kernels::elementwise<device>::copy(context, gradient.size(), unweighted, before);
    device::clear(context.stream, gradient.data, gradient.size());
    const typename Context::loss_value value = loss(context, tensors...);
    kernels::elementwise<device>::axpy(context, gradient.size(),
                                       static_cast<typename Context::weight>(weight), unweighted, before);
    kernels::elementwise<device>::copy(context, gradient.size(), static_cast<const T*>(before),
                                       gradient.data);
    return weight * value;
  }
};

/// Two losses of the same embeddings, added.
template <class First, class Second>
struct sum {
  First first{};
  Second second{};

  friend bool operator==(const sum&, const sum&) = default;

  void check() const {
    if constexpr (requires { first.check(); }) first.check();
    if constexpr (requires { second.check(); }) second.check();
  }

  template <class Context, class... Tensors>
    requires(std::invocable<const First&, Context&, Tensors...>&&
                 std::invocable<const Second&, Context&, Tensors...>)
  typename Context::loss_value operator()(Context& context, Tensors... tensors) const {
    const typename Context::loss_value one = first(context, tensors...);
    return one + second(context, tensors...);
  }
};

/// `nt_xent{} + 0.1 * other{}` is a loss.
template <Loss First, Loss Second>
constexpr sum<First, Second> operator+(First first, Second second) {
  return {first, second};
}
template <Loss L>
constexpr weighted<L> operator*(double weight, L loss) {
  return {weight, loss};
}

}  // namespace pretext
