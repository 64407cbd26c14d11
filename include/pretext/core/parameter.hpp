#pragma once
#include <array>
#include <cstddef>
#include <string_view>

namespace pretext {

/// How a parameter starts: a distribution and its width, or a table of given values; worked out by the layer
/// that owns it.
struct initialiser {
  enum class kind { constant, normal, truncated_normal, uniform, table };
  kind shape = kind::constant;
  double width = 0;                        ///< the constant, the standard deviation, or the bound ±width
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

/// Does weight decay (and LARS's adaptation) apply?
enum class decay { yes, no };

/// Learned by the optimizer; a running statistic that is only saved; or a table that never changes and is
/// saved because other people's files have it.
enum class role { weight, running, fixed };

/// How the numbers lie in the flat buffer: as in torch, or a convolution's (O, I, H, W) kept as (H, W, I, O).
enum class layout { torch, convolution };

/// One tensor of a network, described by values rather than types: cheap to compile, printable, testable with
/// static_assert. Paths and extents are torch's.
struct parameter {
  char path[80]{};
  std::array<std::size_t, 4> extents{};
  std::size_t rank = 0;
  std::size_t offset = 0;
  initialiser start{};
  decay weight_decay = decay::yes;
  role kind = role::weight;
  layout stored = layout::torch;
  double lr_multiplier = 1;  ///< multiplies the learning rate: layer-wise decay, 0 for what is frozen

  constexpr parameter() = default;
  template <std::size_t R>
  constexpr parameter(std::string_view leaf, const std::size_t (&shape)[R], initialiser begin,
                      decay shrink = decay::yes, role purpose = role::weight, layout order = layout::torch)
      : rank{R}, start{begin}, weight_decay{shrink}, kind{purpose}, stored{order} {
    append(leaf);
    for (std::size_t i = 0; i < R; ++i) extents[i] = shape[i];
  }

  constexpr std::size_t size() const {
    std::size_t product = 1;
    for (std::size_t i = 0; i < rank; ++i) product *= extents[i];
    return product;
  }
  constexpr std::string_view name() const { return path; }

  /// The same parameter seen from a parent that calls its owner `parent` and puts it at `base`.
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

 private:
  constexpr void append(std::string_view more) {
    std::size_t end = 0;
    for (char c : more) path[end++] = c;
  }
};

/// What a layer learns: one row per tensor.
template <std::size_t N>
using parameters = std::array<parameter, N>;

/// Lays a layer's own parameters out one after another.
template <std::size_t N>
constexpr parameters<N> lay_out(parameters<N> table) {
  std::size_t offset = 0;
  for (auto& entry : table) {
    entry.offset = offset;
    offset += entry.size();
  }
  return table;
}

/// Numbers in the flat buffer, running statistics and fixed tables included.
template <std::size_t N>
constexpr std::size_t count(const parameters<N>& table) {
  std::size_t total = 0;
  for (const auto& entry : table) total += entry.size();
  return total;
}

/// Numbers that an optimizer changes: what papers call the parameter count.
template <std::size_t N>
constexpr std::size_t trainable(const parameters<N>& table) {
  std::size_t total = 0;
  for (const auto& entry : table) total += entry.kind == role::weight ? entry.size() : 0;
  return total;
}

/// One tensor after another: a struct of a layer may join several tables with it.
template <std::size_t... N>
constexpr auto join(const parameters<N>&... tables) {
  parameters<(N + ... + 0)> all{};
  std::size_t row = 0, base = 0;
  const auto append = [&](const auto& table) {
    for (const auto& entry : table) all[row++] = entry.under("", base);
    base += count(table);
  };
  (append(tables), ...);
  return all;
}

}  // namespace pretext
