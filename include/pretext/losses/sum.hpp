#pragma once
#include <concepts>
#include <cstddef>
#include <tuple>

#include <pretext/core/on.hpp>
#include <pretext/kernels/elementwise.hpp>
#include <pretext/masking/masks.hpp>

namespace pretext {

namespace detail {
/// A device that nothing runs on: what a loss is asked of to see that it is one.
struct no_device {
  struct stream {};
  template <class T>
  static T* allocate(std::size_t) {
    return nullptr;
  }
  template <class T>
  static void release(T*) {}
};
using no_place = on<no_device>;
using some_rows = shape<1>;
using some_patches = shape<1, 1>;
using some_images = shape<2, 1, 1>;
using some_masks = masks<patch_grid<some_images, 1>, 1>;
}  // namespace detail

/// Compares embeddings with one another: (place, z, dz). Returns its value as `Place::loss_value` and adds
/// its gradient to dz.
template <class L>
concept JointLoss = requires(const L& loss, detail::no_place& place,
                             reads<detail::no_place, detail::some_rows> z,
                             writes<detail::no_place, detail::some_rows> dz) {
  { loss(place, z, dz) } -> std::same_as<double>;
};

/// Compares predictions with goals: (place, p, goal, dp). Returns its value as `Place::loss_value` and adds
/// its gradient to dp.
template <class L>
concept PredictiveLoss = requires(const L& loss, detail::no_place& place,
                                  reads<detail::no_place, detail::some_rows> z,
                                  writes<detail::no_place, detail::some_rows> dz) {
  { loss(place, z, z, dz) } -> std::same_as<double>;
};

/// Compares predicted patches with the hidden ones of images: (place, prediction, images, masks,
/// dprediction). Returns its value as `Place::loss_value` and adds its gradient to dprediction.
template <class L>
concept MaskedLoss = requires(const L& loss, detail::no_place& place,
                              reads<detail::no_place, detail::some_patches> p,
                              reads<detail::no_place, detail::some_images> images,
                              const detail::some_masks& hidden,
                              writes<detail::no_place, detail::some_patches> dp) {
  { loss(place, p, images, hidden, dp) } -> std::same_as<double>;
};

template <class L>
concept Loss = JointLoss<L> || PredictiveLoss<L> || MaskedLoss<L>;

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
