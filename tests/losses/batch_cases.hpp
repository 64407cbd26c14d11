#pragma once
#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <pretext/core/context.hpp>
#include <pretext/core/is_finite.hpp>
#include <pretext/devices/cpu.hpp>
#include <pretext/layers/check_gradient.hpp>
#include <pretext/losses/call_loss.hpp>

#include "losses/cases.hpp"

namespace pretext::tests {

/// The buffers of a loss's state by name.
using state_values = std::map<std::string, std::vector<double>>;

template <class State>
state_values values_of(State& state) {
  state_values all;
  state.for_each_buffer([&](std::string_view name, auto* data, std::size_t count) {
    std::vector<double> values(count);
    for (std::size_t i = 0; i < count; ++i) values[i] = static_cast<double>(data[i]);
    CHECK_MESSAGE(all.emplace(name, values).second, "two buffers are called ", std::string{name});
  });
  return all;
}

/// Overwrites the buffers that `values` names.
template <class State>
void set_values(State& state, const state_values& values) {
  std::size_t found = 0;
  state.for_each_buffer([&]<class Number>(std::string_view name, Number* data, std::size_t count) {
    const auto given = values.find(std::string{name});
    if (given == values.end()) return;
    ++found;
    REQUIRE(given->second.size() == count);
    for (std::size_t i = 0; i < count; ++i) data[i] = static_cast<Number>(given->second[i]);
  });
  CHECK(found == values.size());
}

/// What a batch consists of, in tensors of a case: names for each view.
struct batch_of_case {
  std::vector<std::string> p, target{};
  std::size_t first_target_view = 0;
  std::string labels{};
  state_values state{};  ///< before the step
  double value = -1;     ///< the first scheduled one
};

/// A batch loss's results: its value, its gradient and the state after the step.
struct batch_results {
  double value = 0;
  std::vector<double> gradient;
  state_values state;
  friend bool operator==(const batch_results&, const batch_results&) = default;
};

/// Leaves a state as it is.
struct nothing_to_prepare {
  template <class State>
  void operator()(State&) const {}
};

/// Calls a loss for rows in host memory with `threads` threads, and completes the step. The gradient is added
/// to .25, which is taken off again. `prepare` may change the state before the call.
template <class Numerics, std::size_t P, std::size_t E = P, class Loss, class Prepare = nothing_to_prepare>
batch_results run_batch(const Loss& loss, std::size_t images, const std::vector<double>& p,
                        const std::vector<double>& target, std::size_t first_target_view = 0,
                        const std::vector<std::int64_t>& labels = {}, const state_values& given = {},
                        double value = -1, std::size_t threads = 1, const Prepare& prepare = {}) {
  using Context = on<cpu, Numerics>;
  using T = typename Context::activation;
  Context context{.stream = cpu::stream{threads}};
  const std::vector<T> rows(p.begin(), p.end()), targets(target.begin(), target.end());
  std::vector<T> gradient(rows.size(), T(.25));
  loss_batch<Context, shape<P>, shape<E>> batch;
  batch.images = images;
  batch.views = rows.size() / P / images;
  batch.target_views = targets.size() / E / images;
  batch.first_target_view = first_target_view;
  batch.p = {rows.data(), rows.size() / P};
  batch.dp = {gradient.data(), rows.size() / P};
  batch.target = {targets.data(), targets.size() / E};
  batch.labels = labels.empty() ? nullptr : labels.data();
  batch.values = loss_values{{value, -1, -1, -1}};
  if constexpr (P == E)  // predictions of embeddings are the embeddings
    batch.run_predictor = [](const void*, Context&, reads<Context, shape<E>> from,
                             writes<Context, shape<P>> to) { std::copy_n(from.data, from.size(), to.data); };
  loss_state_of<Loss, Context, shape<P>, shape<E>> state;
  state.start(context, loss, 5);
  set_values(state, given);
  prepare(state);
  const auto before = values_of(state);
  batch_results results;
  results.value = call_loss(context, loss, batch, state);
  CHECK_MESSAGE(values_of(state) == before, "a loss changes its state only when the step is complete");
  commit_loss(context, loss, state);
  results.state = values_of(state);
  for (const T element : gradient) results.gradient.push_back(static_cast<double>(element) - .25);
  return results;
}

/// The value and the gradient of a batch loss agree with those of `label` in a case, in double and in float,
/// and have the same bits for 1 and 3 threads. Returns the results in double. `Widths` are the numbers of
/// columns that may occur.
template <std::size_t... Widths, class Loss, class Prepare = nothing_to_prepare>
batch_results agrees_with_batch(const Loss& loss, const safetensors& file, const std::string& label,
                                const batch_of_case& batch, const Prepare& prepare = {}) {
  CAPTURE(label);
  const std::size_t images = file.at(batch.p[0]).shape[0], width = file.at(batch.p[0]).shape[1];
  batch_results in_double;
  bool compiled = false;
  std::vector<std::int64_t> labels;
  if (!batch.labels.empty()) labels = file.at(batch.labels).template as<std::int64_t>();
  std::vector<std::string> slopes;
  for (const std::string& name : batch.p) slopes.push_back(label + ".grad." + name);
  const auto compare = [&]<class Numerics, std::size_t D>(Numerics, std::index_sequence<D>,
                                                          double tolerance) {
    if (D != width) return batch_results{};
    compiled = true;
    const auto run = [&](std::size_t threads) {
      return run_batch<Numerics, D>(loss, images, stacked<double>(file, batch.p),
                                    stacked<double>(file, batch.target), batch.first_target_view, labels,
                                    batch.state, batch.value, threads, prepare);
    };
    const batch_results found = run(1);
    CHECK(found == run(3));
    const double expected = file.at(label).template as<double>()[0];
    CHECK(std::abs(found.value - expected) <= tolerance * std::max(1., std::abs(expected)));
    CHECK(relative_difference(found.gradient, stacked<double>(file, slopes)) < tolerance);
    return found;
  };
  const auto compare_width = [&]<std::size_t D>(std::index_sequence<D> columns) {
    batch_results found = compare(fp64{}, columns, 1e-10);
    if (D == width) in_double = std::move(found);
    compare(fp32{}, columns, 2e-5);
  };
  (compare_width(std::index_sequence<Widths>{}), ...);
  CHECK_MESSAGE(compiled, "no test is compiled for rows of ", width);
  return in_double;
}

/// The loss throws std::invalid_argument for such a batch.
template <std::size_t P, std::size_t E = P, class Loss>
void refuses(const Loss& loss, std::size_t images, const std::vector<double>& p,
             const std::vector<double>& target = {}, std::size_t first_target_view = 0,
             const std::vector<std::int64_t>& labels = {}) {
  CHECK_THROWS_AS((run_batch<fp64, P, E>(loss, images, p, target, first_target_view, labels)),
                  std::invalid_argument);
}

/// Zero rows and batches of 2 and 3 images give finite values and gradients.
template <std::size_t P, std::size_t E = P, class Loss>
void stays_finite(const Loss& loss, std::size_t views, std::size_t target_views,
                  std::size_t first_target_view = 0, const std::vector<std::int64_t>& labels = {}) {
  for (const std::size_t images : {2u, 3u})
    for (const bool all : {false, true}) {
      CAPTURE(images);
      CAPTURE(all);
      auto p = detail::normal_values(images * views * P, 1);
      auto target = detail::normal_values(images * target_views * E, 2);
      std::fill_n(p.begin(), all ? p.size() : P, 0.);
      std::fill_n(target.begin(), all ? target.size() : std::min(target.size(), E), 0.);
      const std::vector<std::int64_t> its_labels(
          labels.begin(), labels.empty() ? labels.end() : labels.begin() + std::ptrdiff_t(images));
      const auto finite = [](const auto& found) {
        CHECK(detail::is_finite(found.value));
        for (const double each : found.gradient) CHECK(detail::is_finite(each));
        for (const auto& [name, values] : found.state)
          for (const double each : values) CHECK(detail::is_finite(each));
      };
      finite(run_batch<fp64, P, E>(loss, images, p, target, first_target_view, its_labels));
      finite(run_batch<fp32, P, E>(loss, images, p, target, first_target_view, its_labels));
    }
}

/// A NaN among the predictions, or among the target's rows, makes the loss NaN, so that the step is left out.
template <std::size_t P, std::size_t E = P, class Loss>
void passes_nan_on(const Loss& loss, std::size_t views, std::size_t target_views,
                   std::size_t first_target_view = 0, const std::vector<std::int64_t>& labels = {}) {
  const std::size_t images = 6;
  const auto p = detail::normal_values(images * views * P, 1);
  const auto target = detail::normal_values(images * target_views * E, 2);
  for (std::size_t i = 0; i < p.size(); i += p.size() - 1) {
    auto spoilt = p;
    spoilt[i] = std::numeric_limits<double>::quiet_NaN();
    CHECK(
        detail::is_nan(run_batch<fp64, P, E>(loss, images, spoilt, target, first_target_view, labels).value));
  }
  for (std::size_t i = 0; i < target.size(); i += target.size() - 1) {
    auto spoilt = target;
    spoilt[i] = std::numeric_limits<double>::quiet_NaN();
    CHECK(detail::is_nan(run_batch<fp64, P, E>(loss, images, p, spoilt, first_target_view, labels).value));
  }
}

}  // namespace pretext::tests
