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

  template <class Place, class... Tensors>
    requires std::invocable<const L&, Place&, Tensors...>
  typename Place::loss_value operator()(Place& place, Tensors... tensors) const {
    using T = typename Place::activation;
    using device = typename Place::device;
    const borrowed guard{place.scratch};
    const auto gradient = std::get<sizeof...(Tensors) - 1>(std::tuple{tensors...});
    T* before = place.scratch.template take<T>(gradient.size());
    const T* unweighted = gradient.data;
    kernels::blend<device>::copy(place, gradient.size(), unweighted, before);
    device::clear(place.stream, gradient.data, gradient.size());
    const typename Place::loss_value value = loss(place, tensors...);
    kernels::blend<device>::axpy(place, gradient.size(), static_cast<typename Place::weight>(weight),
                                 unweighted, before);
    kernels::blend<device>::copy(place, gradient.size(), static_cast<const T*>(before), gradient.data);
    return weight * value;
  }
};

/// Two losses of the same embeddings, added.
template <class First, class Second>
struct sum {
  First first{};
  Second second{};

  template <class Place, class... Tensors>
    requires(
        std::invocable<const First&, Place&, Tensors...>&& std::invocable<const Second&, Place&, Tensors...>)
  typename Place::loss_value operator()(Place& place, Tensors... tensors) const {
    const typename Place::loss_value one = first(place, tensors...);
    return one + second(place, tensors...);
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
