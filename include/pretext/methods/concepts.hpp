// SPDX-License-Identifier: MIT
#pragma once
// What trainers require of a method, and methods of a target, beside the concepts of the parts that have
// folders of their own: encoders, heads, masking, losses.
#include <concepts>
#include <cstddef>

#include <pretext/core/context.hpp>
#include <pretext/core/parameter.hpp>
#include <pretext/core/view_groups.hpp>
#include <pretext/encoders/concepts.hpp>
#include <pretext/heads/concepts.hpp>
#include <pretext/methods/policies.hpp>

namespace pretext::inline v0_1 {

/// A target<> with parameters that follow the trained network's: it has a `momentum`, the fraction of its old
/// value that it retains in a step that names none.
template <class T>
concept MovingTarget = requires(const T& target) {
  { target.momentum } -> std::convertible_to<double>;
};

/// Any target<> of a joint embedding.
template <class T>
concept Target = std::same_as<T, shared_weights> || std::same_as<T, stop_gradient> || MovingTarget<T>;

/// Any compares<> of a joint embedding.
template <class V>
concept ViewPairing = requires {
  { V::views } -> std::convertible_to<std::size_t>;
  { V::online } -> std::convertible_to<std::size_t>;
  { V::first_of_target } -> std::convertible_to<std::size_t>;
  { V::of_target } -> std::convertible_to<std::size_t>;
};

/// A head on the output of an encoder.
template <class H, class E, class Images>
concept HeadOf = Encoder<E, Images> && Head<H, output_of<E, Images>>;

/// A method that learns labels: before every step the memory's `soft_targets` get the probabilities of the
/// method's `classes()`, one row per image.
template <class M>
concept LabelledMethod = requires(const M& method) {
  { method.classes() } -> std::convertible_to<std::size_t>;
};

namespace detail {
template <class M>
struct view_shapes {
  using type = typename M::images;
};
template <class M>
  requires requires { typename M::view_shapes; }
struct view_shapes<M> {
  using type = typename M::view_shapes;
};
}  // namespace detail

/// The shapes of a method's views: `images`, unless its `view_shapes` is a multi_crop.
template <class M>
using view_shapes_of = typename detail::view_shapes<M>::type;

/// What a trainer can train in a context. `parameters` describes `memory().value`, the encoder's rows first;
/// `learn` returns the loss of a batch of stacked views and adds its gradient to `memory().gradient`; with a
/// communicator it returns the loss of the whole batch, the same in every shard, and adds the shard's part of
/// the gradient. With `has_target`, `update_target` moves the target after the optimizer. A method may also
/// declare `lr_multiplier(parameter)`, by which it freezes parameters; `start(context, memory, seed)`, which
/// gives what its memory holds besides the weights its initial values; and `complete_step(context, memory)`,
/// which is called after the optimizer.
template <class M, class Context>
concept Method = std::default_initializable<typename M::template memory<Context>> &&
    requires(const M& method, Context& context, typename M::template memory<Context>& memory,
             const stacked_views<Context, view_shapes_of<M>>& views, const step_context& step) {
  { M::views } -> std::convertible_to<std::size_t>;
  { M::has_target } -> std::convertible_to<bool>;
  { M::size } -> std::convertible_to<std::size_t>;
  { M::parameters.size() } -> std::convertible_to<std::size_t>;
  typename M::encoder;
  typename M::feature;
  { method.learn(context, memory, views, step) } -> std::same_as<typename Context::loss_value>;
};

}  // namespace pretext::inline v0_1
