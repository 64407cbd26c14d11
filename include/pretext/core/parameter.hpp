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
enum class parameter_decay { yes, no };

/// Learned by the optimizer; a running statistic that is only saved; or a table that never changes and is
/// saved because other people's files have it.
enum class parameter_role { trainable, buffer, constant };

/// How the numbers lie in the flat buffer: as in torch, or a convolution's (O, I, H, W) kept as (H, W, I, O).
enum class parameter_layout { torch, convolution };

/// One tensor of a network, described by values rather than types: cheap to compile, printable, testable with
/// static_assert. Paths and extents are torch's.
struct parameter {
  char path[80]{};
  std::array<std::size_t, 4> extents{};
  std::size_t rank = 0;
  std::size_t offset = 0;
  initialiser init{};
  parameter_decay weight_decay = parameter_decay::yes;
  parameter_role role = parameter_role::trainable;
  parameter_layout layout = parameter_layout::torch;
  double lr_multiplier =
      1;  ///< multiplies the learning rate (layer-wise decay); 0: frozen, no optimizer moves it

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
constexpr parameters<N> with_offsets(parameters<N> table) {
  std::size_t offset = 0;
  for (auto& entry : table) {
    entry.offset = offset;
    offset += entry.size();
  }
  return table;
}

/// Numbers in the flat buffer, running statistics and fixed tables included.
template <std::size_t N>
constexpr std::size_t parameter_count(const parameters<N>& table) {
  std::size_t total = 0;
  for (const auto& entry : table) total += entry.size();
  return total;
}

/// Numbers that an optimizer changes: what papers call the parameter count.
template <std::size_t N>
constexpr std::size_t trainable_count(const parameters<N>& table) {
  std::size_t total = 0;
  for (const auto& entry : table) total += entry.role == parameter_role::trainable ? entry.size() : 0;
  return total;
}

/// One tensor after another: a struct of a layer may join several tables with it.
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

}  // namespace pretext
