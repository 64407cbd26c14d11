// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <cstddef>
#include <string_view>

#include <pretext/core/cpp20.hpp>

// A network is known at compile time, so its parameters are a constexpr table: names, extents and offsets
// into one flat buffer. Optimizers, checkpoints and files read the same table, and none of them needs to know
// the types of layers.
namespace pretext::inline v0_1 {

/// The initial values of a parameter: a distribution and its scale, or a table of given values. The layer
/// that owns the parameter chooses it.
struct initialiser {
  enum class kind { constant, normal, truncated_normal, uniform, table };
  kind distribution = kind::constant;
  double scale = 0;                        ///< the constant, the standard deviation, or the bound ±scale
  double (*value)(std::size_t) = nullptr;  ///< of a table: the value of each element

  static constexpr initialiser constant(double value) { return {kind::constant, value}; }
  static constexpr initialiser normal(double deviation) { return {kind::normal, deviation}; }
  static constexpr initialiser truncated_normal(double deviation) {
    return {kind::truncated_normal, deviation};
  }
  static constexpr initialiser uniform(double bound) { return {kind::uniform, bound}; }
  static constexpr initialiser table(double (*value)(std::size_t)) { return {kind::table, 0, value}; }
  friend constexpr bool operator==(const initialiser&, const initialiser&) = default;
};

/// Do weight decay and the trust ratio of LARS apply?
enum class parameter_decay { yes, no };

/// Updated by the optimizer; a running statistic that is only saved; or a table that never changes, saved
/// because PyTorch's files contain it.
enum class parameter_role { trainable, buffer, constant };

/// The order of elements in the flat buffer: PyTorch's, or (H, W, I, O) for a convolution's (O, I, H, W).
enum class parameter_layout { torch, convolution };

/// One tensor of a network, described by values rather than types: cheap to compile, printable, testable with
/// static_assert. Paths and extents are PyTorch's.
struct parameter {
  char path[80]{};
  std::array<std::size_t, 4> extents{};
  std::size_t rank = 0;
  std::size_t offset = 0;
  initialiser init{};
  parameter_decay weight_decay = parameter_decay::yes;
  parameter_role role = parameter_role::trainable;
  parameter_layout layout = parameter_layout::torch;
  double lr_multiplier = 1;  ///< of the learning rate: layer-wise decay; 0 freezes the tensor
  unsigned group = 0;        ///< below 4: each has a learning rate of its own in a step, or is frozen
  std::size_t folds = 0;  ///< of batch norm's γ: elements before it, its convolution's, that γ may multiply
  double folds_epsilon = 0;  ///< of batch norm's γ: what is added to the variance
  int depth = -1;  ///< layer of an encoder, counted from its input, for layer-wise decay; -1: after the last

  constexpr parameter() = default;
  template <std::size_t R>
  constexpr parameter(std::string_view leaf, const std::size_t (&shape)[R], initialiser initial,
                      parameter_decay decays = parameter_decay::yes,
                      parameter_role its_role = parameter_role::trainable,
                      parameter_layout its_layout = parameter_layout::torch)
      : rank{R}, init{initial}, weight_decay{decays}, role{its_role}, layout{its_layout} {
    append(leaf);
    for (std::size_t i = 0; i < R; ++i) extents[i] = shape[i];
  }

  constexpr std::size_t size() const {
    std::size_t product = 1;
    for (std::size_t i = 0; i < rank; ++i) product *= extents[i];
    return product;
  }
  constexpr std::string_view name() const { return path; }

  /// The same parameter as a member of a parent network, which names its owner `parent` and stores it from
  /// `base` on.
  constexpr parameter under(std::string_view parent, std::size_t base) const {
    parameter moved = *this;
    moved.offset += base;
    if (parent.empty()) return moved;
    std::size_t end = 0;
    for (char c : parent) moved.path[end++] = c;
    moved.path[end++] = '.';
    for (std::size_t i = 0; path[i] != '\0'; ++i) moved.path[end++] = path[i];
    moved.path[end] = '\0';
    return moved;
  }

  /// The same where the parent calls its owner by an index below 100, as torch's Sequential does.
  constexpr parameter under(std::size_t index, std::size_t base) const {
    const char digits[] = {char('0' + index / 10), char('0' + index % 10)};
    return index < 10 ? under(std::string_view{digits + 1, 1}, base)
                      : under(std::string_view{digits, 2}, base);
  }

 private:
  constexpr void append(std::string_view text) {
    std::size_t end = 0;
    for (char c : text) path[end++] = c;
  }
};

/// A parameter table: one row per tensor.
template <std::size_t N>
using parameters = std::array<parameter, N>;

/// The table with offsets of tensors that are stored one after another.
template <std::size_t N>
constexpr parameters<N> with_offsets(parameters<N> table) {
  std::size_t offset = 0;
  for (auto& entry : table) {
    entry.offset = offset;
    offset += entry.size();
  }
  return table;
}

/// Elements in the flat buffer, including running statistics and constant tables.
template <std::size_t N>
constexpr std::size_t parameter_count(const parameters<N>& table) {
  std::size_t total = 0;
  for (const auto& entry : table) total += entry.size();
  return total;
}

/// Elements that an optimizer changes: the parameter count of papers.
template <std::size_t N>
constexpr std::size_t trainable_count(const parameters<N>& table) {
  std::size_t total = 0;
  for (const auto& entry : table) total += entry.role == parameter_role::trainable ? entry.size() : 0;
  return total;
}

/// The table of layers at one depth of an encoder.
template <std::size_t N>
constexpr parameters<N> with_depth(int depth, parameters<N> table) {
  for (auto& entry : table) entry.depth = depth;
  return table;
}

/// The table of layers whose learning rate, or freezing, is that of a group.
template <std::size_t N>
constexpr parameters<N> with_group(unsigned group, parameters<N> table) {
  for (auto& entry : table) entry.group = group;
  return table;
}

/// Several tables as one, the tensors of each after those of the one before.
template <std::size_t... N>
constexpr auto concatenate(const parameters<N>&... tables) {
  parameters<(N + ... + 0)> all{};
  std::size_t row = 0, base = 0;
  const auto append = [&](const auto& table) {
    for (const auto& entry : table) all[row++] = entry.under("", base);
    base += parameter_count(table);
  };
  (append(tables), ...);
  return all;
}

/// The table of a part that its parent calls `parent`: every path below it, offsets unchanged.
template <std::size_t N>
constexpr parameters<N> prefixed(std::string_view parent, parameters<N> table) {
  for (auto& entry : table) entry = entry.under(parent, 0);
  return table;
}

}  // namespace pretext::inline v0_1
