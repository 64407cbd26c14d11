#pragma once
#include <concepts>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <vector>

#include <pretext/core/concepts.hpp>
#include <pretext/core/expects.hpp>
#include <pretext/core/wrong_dtype.hpp>
#include <pretext/devices/device_memory.hpp>
#include <pretext/optimizers/detail/make_state.hpp>
#include <pretext/training/initialise.hpp>
#include <pretext/training/non_finite_loss.hpp>

namespace pretext {

/// views -> encoder -> heads -> loss -> backward -> optimizer -> target, once per step, all on one device.
template <class Method, class Context, class Optimizer>
class trainer {
 public:
  using method_type = Method;
  using context_type = Context;
  using T = typename Context::activation;
  using W = typename Context::weight;
  using device = typename Context::device;
  using images = typename Method::images;
  using feature = typename Method::feature;

  explicit trainer(Method method = {}, Optimizer optimizer = {}, std::uint64_t seed = 1,
                   typename device::stream stream = {});

  /// Begins anew with weights drawn as `table` says (the method's parameters, perhaps with other
  /// initialisers), and a target drawn with a seed of its own; the constructor gives both networks one start.
  void start(std::span<const parameter> table, std::uint64_t seed, std::uint64_t target_seed);

  /// Says who the samples of the next step are: what methods and layers that draw (masks, dropped paths) are
  /// keyed by. Holds for one step.
  void draw(std::span<const std::uint64_t> samples, std::uint64_t seed, std::uint32_t epoch);
  /// The same where the device knows them already.
  void draw(const sample_keys& of_the_next_step) { context_.keys = of_the_next_step; }

  /// One step on stacked views (2n, H, W, C); returns the batch's loss. Throws std::runtime_error, before any
  /// weight has changed, if the loss is not a number. A target keeps the part `target_momentum` of itself.
  double step(reads<Context, images> views, double learning_rate, double target_momentum);
  /// The same with the momentum that the method's target has of its own.
  double step(reads<Context, images> views, double learning_rate);

  /// Puts that step on the stream and waits for nothing; what its rates are may be left to the device's
  /// memory. A loss that is not a number holds back its own update and, until `wait_loss` has said so,
  /// those of all steps after it.
  void enqueue(reads<Context, images> views, device_scalar<double> learning_rate,
               device_scalar<double> target_momentum);
  /// Views of another type of number are a mistake: the compiler says what to do.
  template <detail::WrongDtype<Context, images> Views, class... Rates>
  double step(const Views&, Rates...) {
    detail::wrong_dtype<Context, Views>();
    return 0;
  }
  template <detail::WrongDtype<Context, images> Views, class... Rates>
  void enqueue(const Views&, Rates...) {
    detail::wrong_dtype<Context, Views>();
  }
  /// Waits; the loss of the last step. Throws as `step` does.
  double wait_loss();
  /// Where the device keeps it.
  const double* loss_on_device() const;

  /// The feature h of each image in inference mode: (n, H, W, C) to (n, D).
  void encode(reads<Context, images> batch, writes<Context, feature> h);

  /// `visit(name, data, count)` for every flat buffer that training depends on: what a checkpoint holds.
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

 private:
  using state_type = typename Optimizer::template state_type<Context>;

  /// The method's parameter table with the learning rate multipliers that its hyper-parameters ask for.
  static std::vector<parameter> trained_table(const Method& method) {
    std::vector<parameter> table(Method::parameters.begin(), Method::parameters.end());
    if constexpr (requires(const parameter& p) { method.lr_multiplier(p); })
      for (parameter& p : table) p.lr_multiplier = method.lr_multiplier(p);
    return table;
  }
  /// The optimizer's state was made for the table: a method that freezes other parameters needs a new one.
  void expects_same_frozen_parameters() const {
    if constexpr (requires(const parameter& p) { method_.lr_multiplier(p); })
      for (std::size_t row = 0; row < table_.size(); ++row)
        expects(table_[row].lr_multiplier == method_.lr_multiplier(Method::parameters[row]),
                "the method now trains ", table_[row].name(),
                " otherwise than when this trainer was constructed; construct another trainer to freeze or "
                "unfreeze parameters");
  }

  /// Is a loss a number as soon as the host has it?
  static constexpr bool knows_losses = std::same_as<typename Context::loss_value, double>;

  /// Says which batch would fit where the device's memory ends.
  typename Context::loss_value learn(reads<Context, images> views) {
    try {
      return method_.learn(context_, memory_, views);
    } catch (const out_of_device_memory& full) {
      throw full.in_batch(views.batch / Method::views,
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
  double loss_ = 0;
};

// Out of the class, so not inline: `extern template class trainer<…>` keeps kernels out of the files that
// only use one.

template <class Method, class Context, class Optimizer>
trainer<Method, Context, Optimizer>::trainer(Method method, Optimizer optimizer, std::uint64_t seed,
                                             typename device::stream stream)
    : method_{std::move(method)},
      optimizer_{std::move(optimizer)},
      table_{trained_table(method_)},
      state_{make_state<Context>(optimizer_, std::span<const parameter>{table_})} {
  context_.stream = std::move(stream);
  start(Method::parameters, seed, seed);
}

template <class Method, class Context, class Optimizer>
void trainer<Method, Context, Optimizer>::start(std::span<const parameter> table, std::uint64_t seed,
                                                std::uint64_t target_seed) {
  std::vector<W> host(Method::size);
  initialise<W>(table, seed, host.data());
  device::write(context_.stream, memory_.value.data(), host.data(), host.size());
  if constexpr (Method::has_target) {
    if (target_seed != seed) initialise<W>(table, target_seed, host.data());
    device::write(context_.stream, memory_.target_values.data(), host.data(), memory_.target_values.size());
  }
}

template <class Method, class Context, class Optimizer>
void trainer<Method, Context, Optimizer>::draw(std::span<const std::uint64_t> samples, std::uint64_t seed,
                                               std::uint32_t epoch) {
  if (samples.size() > samples_.size()) samples_ = buffer<std::uint64_t, device>{samples.size()};
  device::write(context_.stream, samples_.data(), samples.data(), samples.size());
  context_.keys = {seed, epoch, samples_.data(), samples.size()};
}

template <class Method, class Context, class Optimizer>
void trainer<Method, Context, Optimizer>::enqueue(reads<Context, images> views,
                                                  device_scalar<double> learning_rate,
                                                  device_scalar<double> target_momentum) {
  expects_same_frozen_parameters();
  device::clear(context_.stream, memory_.gradient.data(), Method::size);
  // A device that runs apart is not waited for: it holds its own updates back if the loss is not a number.
  if constexpr (knows_losses) {
    loss_ = learn(views);
    expects_finite_loss(loss_);
  } else {
    learn(views).settle(context_);
  }
  optimizer_(context_, std::span<const parameter>{table_}, state_, learning_rate,
             static_cast<const W*>(memory_.gradient.data()), memory_.value.data());
  method_.update_target(context_, memory_, target_momentum);
  context_.keys = {};
}

template <class Method, class Context, class Optimizer>
double trainer<Method, Context, Optimizer>::wait_loss() {
  if constexpr (!knows_losses) loss_ = context_.stream.take_loss();
  expects_finite_loss(loss_);
  return loss_;
}

template <class Method, class Context, class Optimizer>
const double* trainer<Method, Context, Optimizer>::loss_on_device() const {
  if constexpr (knows_losses)
    return &loss_;
  else
    return context_.stream.wait_loss();
}

template <class Method, class Context, class Optimizer>
double trainer<Method, Context, Optimizer>::step(reads<Context, images> views, double learning_rate,
                                                 double target_momentum) {
  enqueue(views, learning_rate, target_momentum);
  return wait_loss();
}

template <class Method, class Context, class Optimizer>
double trainer<Method, Context, Optimizer>::step(reads<Context, images> views, double learning_rate) {
  if constexpr (Method::has_target)
    return step(views, learning_rate, method_.target.momentum);
  else
    return step(views, learning_rate, 1);
}

template <class Method, class Context, class Optimizer>
void trainer<Method, Context, Optimizer>::encode(reads<Context, images> batch, writes<Context, feature> h) {
  Method::encode(context_, memory_, batch, h);
}

template <class Method, class Context, class Optimizer>
template <class Visitor>
void trainer<Method, Context, Optimizer>::for_each_buffer(Visitor&& visit) {
  visit(std::string_view{"value"}, memory_.value.data(), memory_.value.size());
  if constexpr (Method::has_target)
    visit(std::string_view{"target"}, memory_.target_values.data(), memory_.target_values.size());
  state_.for_each_buffer(visit);
}

}  // namespace pretext
