// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

#include <pretext/core/device_scalar.hpp>
#include <pretext/core/expects.hpp>
#include <pretext/core/parameter.hpp>
#include <pretext/core/step_rates.hpp>
#include <pretext/optimizers/detail/make_state.hpp>

namespace pretext::inline v0_1 {

/// The layer of each parameter, as MAE's fine-tuning counts (mae:util/lr_decay.py): the depth that the
/// encoder declares (what enters 0, block i of a ViT i + 1, stage i of a ResNet i), and one more than the
/// deepest for what comes after it. Throws std::invalid_argument if no parameter declares a depth.
inline std::vector<std::size_t> layers_of(std::span<const parameter> table) {
  int deepest = -1;
  for (const parameter& p : table) deepest = std::max(deepest, p.depth);
  expects(deepest >= 0,
          "layer_decay: no parameter of this encoder declares its depth; wrap the encoder's layers in "
          "at_depth<0, ...>, at_depth<1, ...> and so on, from its input to its output");
  std::vector<std::size_t> layer;
  for (const parameter& p : table)
    layer.push_back(static_cast<std::size_t>(p.depth < 0 ? deepest + 1 : p.depth));
  return layer;
}

/// Any optimizer with layer-wise learning rate decay (Clark et al. 2020; MAE §A.1): the classifier has the
/// learning rate that is given, every layer before it `decay` times that of the next one. Weight decay leaves
/// out biases and norms. `layer_decay<adamw>{{.beta2 = .999}, .75}`.
template <class Optimizer>
struct layer_decay {
  Optimizer optimizer{};
  double decay = 1;  ///< in (0, 1]

  friend bool operator==(const layer_decay&, const layer_decay&) = default;

  /// Throws std::invalid_argument for hyper-parameters out of range.
  void check() const {
    expects(0 < decay && decay <= 1, "layer_decay: a decay of ", decay, " must lie within (0, 1]");
    if constexpr (requires { optimizer.check(); }) optimizer.check();
  }

  template <class Context>
  using state_type = typename Optimizer::template state_type<Context>;

  /// The table with the multipliers of fine-tuning, and without weight decay for parameters of one dimension.
  std::vector<parameter> scaled(std::span<const parameter> table) const {
    check();
    const auto layers = decay < 1 ? layers_of(table) : std::vector<std::size_t>(table.size());
    const std::size_t last = layers.empty() ? 0 : *std::max_element(layers.begin(), layers.end());
    std::vector<parameter> scaled_table(table.begin(), table.end());
    for (std::size_t row = 0; row < table.size(); ++row) {
      parameter& p = scaled_table[row];
      p.lr_multiplier *= std::pow(decay, static_cast<double>(last - layers[row]));
      if (p.rank <= 1) p.weight_decay = parameter_decay::no;
    }
    return scaled_table;
  }

  /// The wrapped optimizer's state for a method's table.
  template <class Context>
  state_type<Context> make_state(std::span<const parameter> table) const {
    const auto scaled_table = scaled(table);
    return pretext::make_state<Context>(optimizer, std::span<const parameter>{scaled_table});
  }

  /// `Gradient` is the weight type, const if the optimizer does not change the gradient.
  template <class Context, class Gradient>
  void operator()(Context& context, std::span<const parameter> table, state_type<Context>& state,
                  device_scalar<step_rates> rates, Gradient* gradient,
                  typename Context::weight* value) const {
    optimizer(context, table, state, rates, gradient, value);
  }
};

}  // namespace pretext::inline v0_1
