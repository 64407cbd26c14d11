// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <optional>
#include <span>
#include <utility>
#include <variant>

#include <pretext/core/device_scalar.hpp>
#include <pretext/core/parameter.hpp>
#include <pretext/core/step_rates.hpp>
#include <pretext/optimizers/detail/make_state.hpp>

namespace pretext::inline v0_1 {

/// An optimizer chosen at run time from a list of types: `any_optimizer<sgd, lars>{lars{.weight_decay =
/// 1e-4}}`.
template <class... Optimizers>
struct any_optimizer {
  std::variant<Optimizers...> selected;

  friend bool operator==(const any_optimizer&, const any_optimizer&) = default;

  /// Throws std::invalid_argument for hyper-parameters out of range.
  void check() const {
    std::visit(
        [](const auto& optimizer) {
          if constexpr (requires { optimizer.check(); }) optimizer.check();
        },
        selected);
  }

  /// The state of the selected optimizer.
  template <class Context>
  struct state_type {
    std::variant<typename Optimizers::template state_type<Context>...> state;

    template <class Visitor>
    void for_each_buffer(Visitor&& visit) {
      std::visit([&](auto& selected_state) { selected_state.for_each_buffer(visit); }, state);
    }
  };

  template <class Context>
  state_type<Context> make_state(std::span<const parameter> table) const {
    return pick<Context>(table, std::index_sequence_for<Optimizers...>{});
  }

  /// `Gradient` is the weight type, const if no optimizer of the list changes the gradient.
  template <class Context, class Gradient>
  void operator()(Context& context, std::span<const parameter> table, state_type<Context>& state,
                  device_scalar<step_rates> rates, Gradient* gradient,
                  typename Context::weight* value) const {
    step(context, table, state, rates, gradient, value, std::index_sequence_for<Optimizers...>{});
  }

 private:
  template <class Context, std::size_t... Nth>
  state_type<Context> pick(std::span<const parameter> table, std::index_sequence<Nth...>) const {
    std::optional<decltype(state_type<Context>::state)> state;
    ((Nth == selected.index()
          ? void(state.emplace(std::in_place_index<Nth>,
                               pretext::make_state<Context>(std::get<Nth>(selected), table)))
          : void()),
     ...);
    return {std::move(*state)};
  }

  template <class Context, class Gradient, class W, std::size_t... Nth>
  void step(Context& context, std::span<const parameter> table, state_type<Context>& state,
            device_scalar<step_rates> rates, Gradient* gradient, W* value,
            std::index_sequence<Nth...>) const {
    ((Nth == selected.index()
          ? std::get<Nth>(selected)(context, table, std::get<Nth>(state.state), rates, gradient, value)
          : void()),
     ...);
  }
};

}  // namespace pretext::inline v0_1
