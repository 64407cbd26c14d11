// SPDX-License-Identifier: MIT
#pragma once
// The members of a trainer that run kernels. They are defined outside of the class and therefore not inline:
// `extern template class trainer<…>` keeps kernels out of files that only use a trainer.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <pretext/training/trainer.hpp>

namespace pretext::inline v0_1 {

template <class Method, class Context, class Optimizer>
trainer<Method, Context, Optimizer>::trainer(Method method, Optimizer optimizer, std::uint64_t seed,
                                             typename device::stream stream)
    : method_{std::move(method)},
      optimizer_{std::move(optimizer)},
      table_{detail::trained_table(method_)},
      state_{make_state<Context>(optimizer_, std::span<const parameter>{table_})} {
  detail::check_ranges(method_);
  detail::check_ranges(optimizer_);
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
  if constexpr (requires { method_.start(context_, memory_, seed); }) method_.start(context_, memory_, seed);
}

template <class Method, class Context, class Optimizer>
sample_keys trainer<Method, Context, Optimizer>::keys_of(std::span<const std::uint64_t> samples,
                                                         std::uint64_t seed, std::uint32_t epoch) {
  if (samples.empty()) return {};
  if (samples.size() > samples_.size()) samples_ = buffer<std::uint64_t, device>{samples.size()};
  device::write(context_.stream, samples_.data(), samples.data(), samples.size());
  return {seed, epoch, samples_.data(), samples.size()};
}

template <class Method, class Context, class Optimizer>
double trainer<Method, Context, Optimizer>::target_momentum(std::optional<double> given) const {
  double momentum = given.value_or(1);
  if constexpr (Method::has_target) momentum = given ? *given : method_.target.momentum;
  expects(0 <= momentum && momentum <= 1, "trainer: target_momentum ", momentum, " must be in [0, 1]");
  return momentum;
}

template <class Method, class Context, class Optimizer>
device_step_values trainer<Method, Context, Optimizer>::checked(const step_values& values) const {
  return {detail::checked_rates(values, table_), target_momentum(values.target_momentum),
          detail::checked_loss_values(values.loss)};
}

template <class Method, class Context, class Optimizer>
void trainer<Method, Context, Optimizer>::enqueue(const views_type& views, const step_context& step) {
  detail::expects_same_multipliers(method_, table_);
  const auto& first = groups::template group<0>(views);
  expects(first.data && first.batch > 0, "trainer: a step needs views of at least one image");
  if constexpr (knows_losses) {
    if (!std::exchange(has_seen_views_, true)) detail::expects_scaled(first.data, first.size() / first.batch);
  }
  device::clear(context_.stream, memory_.gradient.data(), Method::size);
  // An asynchronous device is not waited for: it holds its own updates back if the loss is not finite.
  if constexpr (knows_losses) {
    loss_ = learn(views, step);
    expects_finite_loss(loss_);  // every shard has the same loss
  } else {
    learn(views, step).finalize(context_);
  }
  distributed::all_reduce(context_, memory_.gradient.data(), Method::size);
  optimizer_(context_, std::span<const parameter>{table_}, state_, step.rates, memory_.gradient.data(),
             memory_.value.data());
  if constexpr (Method::has_target) method_.update_target(context_, memory_, step.target_momentum);
  if constexpr (requires { method_.complete_step(context_, memory_); })
    method_.complete_step(context_, memory_);
}

template <class Method, class Context, class Optimizer>
double trainer<Method, Context, Optimizer>::wait_loss() {
  if constexpr (!knows_losses) {
    if (context_.communicator) context_.communicator->wait(context_.stream);
    loss_ = context_.stream.take_loss();
  }
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
double trainer<Method, Context, Optimizer>::step(const views_type& views, const step_values& values,
                                                 const sample_keys& keys) {
  enqueue(views, checked(values).given(keys, values.drop_path));
  return wait_loss();
}

template <class Method, class Context, class Optimizer>
void trainer<Method, Context, Optimizer>::encode(reads<Context, images> batch, writes<Context, feature> h) {
  infer_network<typename Method::encoder>(context_, memory_.value.data(), batch, h);
}

template <class Method, class Context, class Optimizer>
template <class Visitor>
void trainer<Method, Context, Optimizer>::for_each_buffer(Visitor&& visit) {
  visit(std::string_view{"value"}, memory_.value.data(), memory_.value.size());
  if constexpr (Method::has_target)
    visit(std::string_view{"target"}, memory_.target_values.data(), memory_.target_values.size());
  if constexpr (requires { memory_.loss_state; }) memory_.loss_state.for_each_buffer(visit);
  state_.for_each_buffer(visit);
}

}  // namespace pretext::inline v0_1
