// SPDX-License-Identifier: MIT
#pragma once
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <vector>

#include <pretext/augment/views.hpp>
#include <pretext/core/concepts.hpp>
#include <pretext/core/expects.hpp>
#include <pretext/core/wrong_dtype.hpp>
#include <pretext/devices/device_memory.hpp>
#include <pretext/distributed/communicator.hpp>
#include <pretext/layers/detail/network_weights.hpp>
#include <pretext/methods/concepts.hpp>
#include <pretext/optimizers/concepts.hpp>
#include <pretext/training/batches.hpp>
#include <pretext/training/detail/expects_scaled.hpp>
#include <pretext/training/detail/trained_table.hpp>
#include <pretext/training/detail/trainer_options.hpp>
#include <pretext/training/initialise.hpp>
#include <pretext/training/non_finite_loss.hpp>
#include <pretext/training/step_values.hpp>

namespace pretext::inline v0_1 {

/// Trains a method: one step is views -> encoder -> heads -> loss -> backward -> optimizer -> target, all on
/// one device. A trainer owns parameters, gradients, the optimizer's state and the memory of a step; one
/// thread may use it at a time. Trainers whose contexts have a communicator train one network together: a
/// step of each gets one shard of the batch, and all make the same update.
template <class Method, class Context, class Optimizer>
class trainer {
  static_assert(
      pretext::Method<Method, Context>,
      "pretext::trainer: its first argument must be a Method such as simclr<...>, whose learn(context, "
      "memory, views, step) returns Context::loss_value.");
  static_assert(
      pretext::Optimizer<Optimizer, Context>,
      "pretext::trainer: its third argument must be an Optimizer such as sgd, a function of (context, "
      "table, state, rates, gradient, value) with a state_type<Context>.");

 public:
  using method_type = Method;
  using context_type = Context;
  using optimizer_type = Optimizer;
  using T = typename Context::activation;
  using W = typename Context::weight;
  using device = typename Context::device;
  using images = typename Method::images;
  using feature = typename Method::feature;
  using view_shapes = view_shapes_of<Method>;  ///< `images`, or a multi_crop
  using views_type = stacked_views<Context, view_shapes>;

  using options = detail::trainer_options<device>;

  /// Initial weights are drawn with the seed; online network and target start with the same ones. Throws
  /// std::invalid_argument for hyper-parameters out of range.
  explicit trainer(Method method = {}, Optimizer optimizer = {}, std::uint64_t seed = 1,
                   typename device::stream stream = {});
  /// The same with named options: `{.seed = 1, .threads = 2}` on a CPU, `{.seed = 1}` elsewhere.
  trainer(Method method, Optimizer optimizer, const options& chosen)
      : trainer{std::move(method), std::move(optimizer), chosen.seed, chosen.make_stream()} {}

  /// Draws all weights again with the initialisers of `table`, which has the method's parameters, and those
  /// of the target with `target_seed`; what the loss remembers begins anew. The optimizer's state stays as it
  /// is.
  void start(std::span<const parameter> table, std::uint64_t seed, std::uint64_t target_seed);

  /// One training step on a batch of images, such as `loader::next` returns: makes their views, keyed by the
  /// batch's seed, epoch and samples, and learns from them. Returns the batch's loss; throws as `augment` and
  /// the other `step` do.
  template <class Views, class Batch>
  double step(const Views& augmentation, const Batch& batch, const step_values& values) {
    static_assert(
        ImageBatch<Batch>,
        "pretext::trainer: a step's batch must be an ImageBatch such as loader::next returns, with images, "
        "samples, seed and epoch.");
    static_assert(Views::views == Method::views,
                  "pretext::trainer: the augmentation makes another number of views of each image than the "
                  "method learns from: two_views{...} for joint_embedding, one augmentation{...} for "
                  "masked_modeling and classification.");
    const auto views = groups::resize(views_, batch.images.size(), Views::views);
    augment(context_, augmentation, batch.images, batch.samples, batch.seed, batch.epoch, views);
    return step(views_type{views}, values, keys_of(batch.samples, batch.seed, batch.epoch));
  }

  /// One training step on stacked views (views·n, H, W, C) that are in the device's memory, view 1 of all
  /// images first. Returns the batch's loss; throws non_finite_loss, before any weight has changed, if it is
  /// NaN or infinite, and std::invalid_argument for an empty batch and for pixels of 0 to 255 in the first
  /// one (on CPUs).
  double step(const views_type& views, const training_step& values) {
    return step(views, detail::values_of(values), keys_of(values.samples, values.seed, values.epoch));
  }
  /// The same with keys whose samples are in the device's memory, such as `keys_of` returns.
  double step(const views_type& views, const step_values& values, const sample_keys& keys);

  /// Puts a step on the stream and waits for nothing; what changes from step to step may be in the device's
  /// memory. On an asynchronous device a loss that is NaN or infinite holds back its own update and, until
  /// `wait_loss` has reported it, those of all steps after it.
  void enqueue(const views_type& views, const step_context& step);

  /// Does not compile: views of another type than the context's activations.
  template <detail::WrongDtype<Context, images> Views>
  double step(const Views&, const training_step&) {
    detail::wrong_dtype<Context, Views>();
    return 0;
  }

  /// The keys of a step's samples, whose indices are copied to the device; valid until the next call.
  sample_keys keys_of(std::span<const std::uint64_t> samples, std::uint64_t seed, std::uint32_t epoch);
  /// The given momentum, or else that of the method's target. Throws std::invalid_argument outside of [0, 1].
  double target_momentum(std::optional<double> given) const;
  /// The values of a step in the form that the device reads. Throws std::invalid_argument for values out of
  /// range, and for a group in which the method has no parameter.
  device_step_values checked(const step_values& values) const;

  /// Waits for the last step and returns its loss. Throws as `step` does.
  double wait_loss();
  /// The address of the last loss in the device's memory.
  const double* loss_on_device() const;

  /// The feature h of each image in inference mode: (n, H, W, C) to (n, D).
  void encode(reads<Context, images> batch, writes<Context, feature> h);

  /// `visit(name, data, count)` for every flat buffer that a checkpoint must hold; pointers are the device's.
  template <class Visitor>
  void for_each_buffer(Visitor&& visit);

  /// `visit(parameter, data)` for every tensor of the network, running statistics included.
  template <class Visitor>
  void for_each_parameter(Visitor&& visit) {
    for (const parameter& p : Method::parameters) visit(p, memory_.value.data() + p.offset);
  }

  auto& memory() { return memory_; }
  Context& context() { return context_; }
  const Context& context() const { return context_; }
  const Method& method() const { return method_; }
  Method& method() { return method_; }
  Optimizer& optimizer() { return optimizer_; }
  const Optimizer& optimizer() const { return optimizer_; }

 private:
  using state_type = typename Optimizer::template state_type<Context>;
  using groups = detail::view_groups<view_shapes, Method::views>;

  /// Does `learn` return the value of the loss, rather than one that the device has yet to compute?
  static constexpr bool knows_losses = std::same_as<typename Context::loss_value, double>;

  /// Adds to an out-of-memory error which batch would fit.
  typename Context::loss_value learn(const views_type& views, const step_context& step) {
    try {
      return method_.learn(context_, memory_, views, step);
    } catch (const out_of_device_memory& full) {
      throw full.in_batch(groups::rows(views)[0] / groups::views_of[0],
                          context_.activations.peak() + context_.workspace.peak());
    }
  }

  Context context_{};
  Method method_;
  Optimizer optimizer_;
  std::vector<parameter> table_;
  typename Method::template memory<Context> memory_{};
  state_type state_;
  buffer<std::uint64_t, device> samples_;
  typename groups::template owned<Context> views_;  // for step(augmentation, batch, values)
  double loss_ = 0;
  bool has_seen_views_ = false;
};

}  // namespace pretext::inline v0_1

#include <pretext/training/detail/trainer_steps.hpp>
