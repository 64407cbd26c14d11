#pragma once
#include <concepts>
#include <cstddef>

#include <pretext/core/context.hpp>
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
  template <class T>
  static void write(const stream&, T*, const T*, std::size_t) {}
  template <class T>
  static void read(const stream&, T*, const T*, std::size_t) {}
  template <class T>
  static void clear(const stream&, T*, std::size_t) {}
};
using no_context = on<no_device>;
using some_rows = shape<1>;
using some_patches = shape<1, 1>;
using some_images = shape<2, 1, 1>;
using some_masks = masks<patch_grid<some_images, 1>, 1>;
}  // namespace detail

/// Compares embeddings with one another: (place, z, dz). Returns its value as `Context::loss_value` and adds
/// its gradient to dz.
template <class L>
concept JointLoss = requires(const L& loss, detail::no_context& context,
                             reads<detail::no_context, detail::some_rows> z,
                             writes<detail::no_context, detail::some_rows> dz) {
  { loss(context, z, dz) } -> std::same_as<double>;
};

/// Compares predictions with goals: (place, p, goal, dp). Returns its value as `Context::loss_value` and adds
/// its gradient to dp.
template <class L>
concept PredictiveLoss = requires(const L& loss, detail::no_context& context,
                                  reads<detail::no_context, detail::some_rows> z,
                                  writes<detail::no_context, detail::some_rows> dz) {
  { loss(context, z, z, dz) } -> std::same_as<double>;
};

/// Compares predicted patches with the hidden ones of images: (place, prediction, images, masks,
/// dprediction). Returns its value as `Context::loss_value` and adds its gradient to dprediction.
template <class L>
concept MaskedLoss = requires(const L& loss, detail::no_context& context,
                              reads<detail::no_context, detail::some_patches> p,
                              reads<detail::no_context, detail::some_images> images,
                              const detail::some_masks& hidden,
                              writes<detail::no_context, detail::some_patches> dp) {
  { loss(context, p, images, hidden, dp) } -> std::same_as<double>;
};

template <class L>
concept Loss = JointLoss<L> || PredictiveLoss<L> || MaskedLoss<L>;

}  // namespace pretext
