#pragma once
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include <pretext/core/device_scalar.hpp>
#include <pretext/core/expects.hpp>
#include <pretext/core/parameter.hpp>
#include <pretext/optimizers/detail/make_state.hpp>

namespace pretext {

namespace detail {

/// n of "blocks.n.…" (ViT) plus one, n of "layern.…" (ResNet); 0 for everything else.
inline std::size_t layer_number(std::string_view path) {
  for (const std::string_view stem : {"blocks.", "layer"}) {
    if (!path.starts_with(stem)) continue;
    std::size_t number = 0;
    const char *first = path.data() + stem.size(), *end = path.data() + path.size();
    if (const auto read = std::from_chars(first, end, number); read.ptr != end && *read.ptr == '.')
      return stem == "blocks." ? number + 1 : number;
  }
  return 0;
}

/// Does a parameter belong to what a network does first: patch embedding, positions, class token, or a
/// ResNet's stem?
inline bool enters(std::string_view path) {
  return std::ranges::any_of(
      std::array<std::string_view, 5>{"cls_token", "pos_embed", "patch_embed.", "conv1.", "bn1."},
      [path](std::string_view stem) { return path.starts_with(stem); });
}

}  // namespace detail

/// How deep each parameter of a table stands, as MAE's fine-tuning counts (mae:util/lr_decay.py): what enters
/// 0, block i of a ViT i + 1, stage i of a ResNet i, everything after the last of them one more.
inline std::vector<std::size_t> layers_of(std::span<const parameter> table) {
  std::size_t deepest = 0;
  for (const parameter& p : table) deepest = std::max(deepest, detail::layer_number(p.name()));
  std::vector<std::size_t> layer;
  for (const parameter& p : table) {
    const std::size_t number = detail::layer_number(p.name());
    layer.push_back(detail::enters(p.name()) ? 0 : number > 0 ? number : deepest + 1);
  }
  return layer;
}

/// Any optimizer with a learning rate per layer (Clark et al. 2020; MAE §A.1): the classifier's is the one
/// that is given, every layer before it has `decay` times the rate of the next one. Weight decay leaves out
/// biases and all else of one dimension, positions and the class token. `layer_decay<adamw>{{.beta2 = .999},
/// .75}`.
template <class Optimizer>
struct layer_decay {
  Optimizer optimizer{};
  double decay = 1;

  friend bool operator==(const layer_decay&, const layer_decay&) = default;

  template <class Context>
  using state_type = typename Optimizer::template state_type<Context>;

  /// The table with its rates and decays as fine-tuning has them.
  std::vector<parameter> scaled(std::span<const parameter> table) const {
    expects(0 < decay && decay <= 1, "layer_decay: a decay of ", decay, " must lie within (0, 1]");
    const auto layer = layers_of(table);
    const std::size_t last = layer.empty() ? 0 : std::ranges::max(layer);
    std::vector<parameter> made(table.begin(), table.end());
    for (std::size_t row = 0; row < made.size(); ++row) {
      parameter& p = made[row];
      p.lr_multiplier *= std::pow(decay, static_cast<double>(last - layer[row]));
      if (p.rank <= 1 || p.name() == "pos_embed" || p.name() == "cls_token")
        p.weight_decay = parameter_decay::no;
    }
    return made;
  }

  /// What the optimizer keeps for a method's table.
  template <class Context>
  state_type<Context> make_state(std::span<const parameter> table) const {
    const auto own = scaled(table);
    return pretext::make_state<Context>(optimizer, std::span<const parameter>{own});
  }

  template <class Context>
  void operator()(Context& context, std::span<const parameter> table, state_type<Context>& state,
                  device_scalar<double> learning_rate, const typename Context::weight* gradient,
                  typename Context::weight* value) const {
    optimizer(context, table, state, learning_rate, gradient, value);
  }
};

}  // namespace pretext
