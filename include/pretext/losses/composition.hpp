// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>

#include <pretext/core/context.hpp>
#include <pretext/core/expects.hpp>
#include <pretext/core/is_finite.hpp>
#include <pretext/kernels/elementwise.hpp>
#include <pretext/losses/call_loss.hpp>
#include <pretext/losses/collapse_advice.hpp>
#include <pretext/losses/concepts.hpp>

namespace pretext::inline v0_1 {

namespace detail {
/// The names of a loss's hyper-parameters that change from step to step.
template <class L>
inline constexpr std::array<std::string_view, 0> scheduled_of{};
template <class L>
  requires requires { L::scheduled; }
inline constexpr auto scheduled_of<L> = L::scheduled;

template <std::size_t First, std::size_t Second>
constexpr auto joined_names(const std::array<std::string_view, First>& first,
                            const std::array<std::string_view, Second>& second) {
  std::array<std::string_view, First + Second> all{};
  std::size_t at = 0;
  for (const std::string_view name : first) all[at++] = name;
  for (const std::string_view name : second) all[at++] = name;
  return all;
}

template <class L>
inline constexpr bool reads_target = compares_with_target<L> || PredictiveLoss<L>;

/// Kinds of losses that a sum with a BatchLoss may contain.
template <class L>
concept LossOfRows = JointLoss<L> || PredictiveLoss<L> || BatchLoss<L>;
}  // namespace detail

/// A loss times a weight, in value and gradient.
template <class L>
struct weighted_loss {
  static constexpr auto scheduled = detail::scheduled_of<L>;
  static constexpr bool compares_with_target = detail::reads_target<L>;
  static constexpr std::string_view collapse_advice = detail::collapse_advice<L>;
  double weight = 1;
  L loss{};

  friend bool operator==(const weighted_loss&, const weighted_loss&) = default;

  double chance(std::size_t images, std::size_t width) const {
    return weight * detail::chance_loss(loss, images, width);
  }

  void check() const {
    expects(detail::is_finite(weight), "weighted_loss: weight ", weight, " must be finite");
    if constexpr (requires { loss.check(); }) loss.check();
  }

  /// The state of the loss.
  template <class Context, Shape Prediction, Shape Embedding>
    requires RemembersSteps<L, Context, Prediction, Embedding>
  struct state {
    loss_state_of<L, Context, Prediction, Embedding> of{};

    void start(Context& context, const weighted_loss& weighted, std::uint64_t seed) {
      of.start(context, weighted.loss, seed);
    }
    template <class Visitor>
    void for_each_buffer(Visitor&& visit) {
      of.for_each_buffer(visit);
    }
  };

  template <class Context, class... Tensors>
    requires(sizeof...(Tensors) > 1 && std::invocable<const L&, Context&, Tensors...>)
  typename Context::loss_value operator()(Context& context, Tensors... tensors) const {
    std::tuple arguments{tensors...};
    auto& gradient = std::get<sizeof...(Tensors) - 1>(arguments);
    return scaled(context, gradient, [&] {
      return std::apply([&](const auto&... each) { return loss(context, each...); }, arguments);
    });
  }
  template <class Context, Shape Prediction, Shape Embedding>
    requires(BatchLoss<L> && !RemembersSteps<L, Context, Prediction, Embedding>)
  typename Context::loss_value operator()(Context& context,
                                          const loss_batch<Context, Prediction, Embedding>& batch) const {
    auto own = batch;
    return scaled(context, own.dp, [&] { return loss(context, own); });
  }
  template <class Context, Shape Prediction, Shape Embedding>
    requires BatchLoss<L>
  typename Context::loss_value operator()(Context& context,
                                          const loss_batch<Context, Prediction, Embedding>& batch,
                                          state<Context, Prediction, Embedding>& its_state) const {
    auto own = batch;
    return scaled(context, own.dp, [&] { return loss(context, own, its_state.of); });
  }

  template <class Context, Shape Prediction, Shape Embedding>
  void commit(Context& context, state<Context, Prediction, Embedding>& its_state) const {
    loss.commit(context, its_state.of);
  }

 private:
  /// Calls the loss with a gradient of its own in place of `gradient`, and adds that times the weight.
  template <class Context, class Gradient, class Call>
  typename Context::loss_value scaled(Context& context, Gradient& gradient, const Call& call) const {
    using T = typename Context::activation;
    const arena_scope guard{context.workspace};
    T* const sum = gradient.data;
    const std::size_t size = gradient.size();
    gradient.data = context.workspace.template allocate<T>(size);
    Context::device::clear(context.stream, gradient.data, size);
    const typename Context::loss_value value = call();
    kernels::elementwise<typename Context::device>::axpy(context, size,
                                                         static_cast<typename Context::weight>(weight),
                                                         static_cast<const T*>(gradient.data), sum);
    return weight * value;
  }
};

/// The sum of two losses of the same tensors, or of two losses of one batch.
template <class First, class Second>
struct loss_sum {
  /// Is it a loss of batches?
  static constexpr bool of_batch =
      (BatchLoss<First> || BatchLoss<Second>)&&detail::LossOfRows<First> && detail::LossOfRows<Second>;
  /// The scheduled names of the first loss, then those of the second.
  static constexpr auto scheduled =
      detail::joined_names(detail::scheduled_of<First>, detail::scheduled_of<Second>);
  static constexpr bool compares_with_target = detail::reads_target<First> || detail::reads_target<Second>;
  static constexpr std::string_view collapse_advice = detail::collapse_advice<First>.empty()
                                                          ? detail::collapse_advice<Second>
                                                          : detail::collapse_advice<First>;
  First first{};
  Second second{};

  friend bool operator==(const loss_sum&, const loss_sum&) = default;

  void check() const {
    if constexpr (requires { first.check(); }) first.check();
    if constexpr (requires { second.check(); }) second.check();
  }

  /// The states of both; their random numbers differ.
  template <class Context, Shape Prediction, Shape Embedding>
    requires(RemembersSteps<First, Context, Prediction, Embedding> ||
             RemembersSteps<Second, Context, Prediction, Embedding>)
  struct state {
    loss_state_of<First, Context, Prediction, Embedding> first{};
    loss_state_of<Second, Context, Prediction, Embedding> second{};

    void start(Context& context, const loss_sum& loss, std::uint64_t seed) {
      first.start(context, loss.first, seed);
      second.start(context, loss.second, seed ^ 0x5851F42D4C957F2D);
    }
    template <class Visitor>
    void for_each_buffer(Visitor&& visit) {
      const auto prefixed = [&](const char* prefix) {
        return [&visit, prefix]<class T>(std::string_view name, T* data, std::size_t count) {
          const std::string path = std::string{prefix}.append(name);
          visit(std::string_view{path}, data, count);
        };
      };
      first.for_each_buffer(prefixed("first."));
      second.for_each_buffer(prefixed("second."));
    }
  };

  template <class Context, class... Tensors>
    requires(sizeof...(Tensors) > 1 && std::invocable<const First&, Context&, Tensors...> &&
             std::invocable<const Second&, Context&, Tensors...>)
  typename Context::loss_value operator()(Context& context, Tensors... tensors) const {
    const typename Context::loss_value value = first(context, tensors...);
    return value + second(context, tensors...);
  }
  template <class Context, Shape Prediction, Shape Embedding>
    requires(of_batch && !RemembersSteps<First, Context, Prediction, Embedding> &&
             !RemembersSteps<Second, Context, Prediction, Embedding>)
  typename Context::loss_value operator()(Context& context,
                                          const loss_batch<Context, Prediction, Embedding>& batch) const {
    no_loss_state none;
    return of_both(context, batch, none, none);
  }
  template <class Context, Shape Prediction, Shape Embedding>
  requires of_batch typename Context::loss_value operator()(
      Context& context, const loss_batch<Context, Prediction, Embedding>& batch,
      state<Context, Prediction, Embedding>& both) const {
    return of_both(context, batch, both.first, both.second);
  }

  template <class Context, Shape Prediction, Shape Embedding>
  void commit(Context& context, state<Context, Prediction, Embedding>& both) const {
    commit_loss(context, first, both.first);
    commit_loss(context, second, both.second);
  }

 private:
  template <class Context, class Batch, class FirstState, class SecondState>
  typename Context::loss_value of_both(Context& context, const Batch& batch, FirstState& of_first,
                                       SecondState& of_second) const {
    const typename Context::loss_value value = call_loss(context, first, batch, of_first);
    auto shifted = batch;
    shifted.first_value += detail::scheduled_of<First>.size();
    return value + call_loss(context, second, shifted, of_second);
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
