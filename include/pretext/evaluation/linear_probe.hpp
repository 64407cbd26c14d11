// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

#include <pretext/core/context.hpp>
#include <pretext/core/distributions.hpp>
#include <pretext/core/parameter.hpp>
#include <pretext/data/permutation.hpp>
#include <pretext/evaluation/feature_classifier.hpp>
#include <pretext/evaluation/features.hpp>
#include <pretext/evaluation/probe_inputs.hpp>
#include <pretext/kernels/cpu/cross_entropy.hpp>
#include <pretext/kernels/cpu/elementwise.hpp>
#include <pretext/kernels/cpu/gemm.hpp>
#include <pretext/kernels/cpu/optimize.hpp>
#include <pretext/optimizers/any_optimizer.hpp>
#include <pretext/optimizers/lars.hpp>
#include <pretext/optimizers/schedule.hpp>
#include <pretext/optimizers/sgd.hpp>

namespace pretext::inline v0_1 {

/// What a linear probe has learned.
struct trained_probe {
  feature_classifier classifier;  ///< for features of new images
  double loss = 0;                ///< mean cross entropy over the last epoch of training
};

/// The result of a linear probe on the test features.
struct probe_result {
  double accuracy = 0, top5 = 0;     ///< top-1 and top-5 accuracy, in [0, 1]
  double loss = 0;                   ///< mean cross entropy over the last epoch of training
  std::vector<int> predicted;        ///< class of each test feature
  std::vector<float> probabilities;  ///< (test features, classes)
  feature_classifier classifier;     ///< for features of new images
};

/// The optimizer of a probe.
enum class probe_optimizer {
  sgd,  ///< with Nesterov's momentum: SimCLR, BYOL
  lars  ///< as MAE's (variant byol)
};

/// Multinomial logistic regression on frozen features as in SimCLR (Chen et al. 2020, B.6): SGD with Nesterov
/// momentum from zero weights, cosine schedule without warm-up. Use the feature h, not the embedding z.
/// `mae_probe()` is MAE's.
struct linear_probe {
  std::size_t epochs = 90, batch = 256;
  double rate = 0.1;  ///< learning rate for a batch of 256; scaled linearly with the batch
  double momentum = 0.9, weight_decay = 0;
  double warmup_epochs = 0;
  double start_deviation = 0;  ///< standard deviation of the initial weights
  probe_optimizer optimizer = probe_optimizer::sgd;
  probe_scaling scaling = probe_scaling::none;
  std::uint64_t seed = 1;  ///< of the initial weights and of the order of the training features

  /// Trains on labelled features; the result has the same bits for any number of threads. `classes`: at least
  /// so many, if the labels do not show all. Throws std::invalid_argument if labels are missing or a feature
  /// is NaN or infinite.
  trained_probe train(const labelled_view& features, const cpu::stream& stream = {},
                      std::size_t classes = 0) const;

  /// Trains on `train` and classifies `test`, whose labels are compared. Throws as `train` does, and
  /// std::invalid_argument if widths differ.
  probe_result operator()(const labelled_view& train, const labelled_view& test,
                          const cpu::stream& stream = {}) const;

 private:
  any_optimizer<sgd, lars> make_optimizer() const {
    if (optimizer == probe_optimizer::lars)
      return {lars{.momentum = momentum, .weight_decay = weight_decay, .variant = lars_variant::byol}};
    return {sgd{.momentum = momentum, .nesterov = true, .weight_decay = weight_decay}};
  }
};

/// MAE's linear probe (He et al. 2022, Table 10; mae:main_linprobe.py): batch norm without scale and shift,
/// LARS without decay, 10 epochs of warm-up, weights from N(0, 0.01). The paper's batch is 16384; features
/// that do not fill a batch are left out of an epoch. Use the class token after the final norm.
inline linear_probe mae_probe(std::size_t epochs = 90, std::size_t batch = 16384) {
  return {.epochs = epochs,
          .batch = batch,
          .warmup_epochs = 10,
          .start_deviation = 0.01,
          .optimizer = probe_optimizer::lars,
          .scaling = probe_scaling::batch_norm};
}

namespace detail {

/// How many classes rank before `label`: 0 if it is the prediction. Of equal logits the smaller label ranks
/// first.
inline std::size_t rank_of(std::size_t label, const float* logits, std::size_t classes) {
  std::size_t before = 0;
  for (std::size_t c = 0; c < classes; ++c)
    before += logits[c] > logits[label] || (logits[c] == logits[label] && c < label);
  return before;
}

}  // namespace detail

inline trained_probe linear_probe::train(const labelled_view& features, const cpu::stream& stream,
                                         std::size_t min_classes) const {
  expects_labels(features, "linear probe, training");
  expects_finite(features, "linear probe");
  expects(epochs > 0 && batch > 0, "linear probe: epochs and batch must be positive");

  using kernels::op;
  const std::size_t classes = std::max(classes_of(features), min_classes), width = features.width();
  const std::size_t batch_size = std::min(batch, features.count());
  // The statistics of a smaller last batch would be noisier.
  const std::size_t used =
      scaling == probe_scaling::batch_norm ? features.count() / batch_size * batch_size : features.count();
  const auto per_epoch = static_cast<double>((used + batch_size - 1) / batch_size);
  const auto table =
      with_offsets(std::array{parameter{"weight", {classes, width}, initialiser::constant(0)},
                              parameter{"bias", {classes}, initialiser::constant(0), parameter_decay::no}});
  const std::size_t bias_at = table[1].offset;
  on<cpu> context{.stream = stream};
  const any_optimizer<sgd, lars> optimize = make_optimizer();
  auto state = optimize.make_state<on<cpu>>(table);
  const cosine_schedule learning_rate{.peak = linear_scaling(rate, batch_size),
                                      .warmup = warmup_epochs * per_epoch,
                                      .length = static_cast<double>(epochs) * per_epoch};
  std::vector<float> unit;
  if (scaling == probe_scaling::unit_length) unit = unit_rows(features, stream);
  const feature_view given = unit.empty() ? feature_view{features} : feature_view{unit, width};
  detail::probe_inputs inputs{scaling, given};

  std::vector<float> value(parameter_count(table)), gradient(value.size()), x(batch_size * width),
      logits(batch_size * classes), slope(batch_size * classes);
  for (std::size_t i = 0; start_deviation > 0 && i < bias_at; ++i)
    value[i] = static_cast<float>(start_deviation * standard_normal({seed, 0, i, 255}, 0));
  std::vector<int> labels(batch_size);
  std::vector<std::uint32_t> rows(batch_size);

  trained_probe result;
  double step = 0;
  for (std::uint32_t epoch = 0; epoch < epochs; ++epoch) {
    const permutation order{features.count(), seed, epoch};
    result.loss = 0;
    for (std::size_t first = 0; first < used; first += batch_size) {
      const std::size_t count = std::min(batch_size, used - first);
      for (std::size_t i = 0; i < count; ++i) {
        rows[i] = static_cast<std::uint32_t>(order[first + i]);
        labels[i] = features.labels()[rows[i]];
      }
      inputs.train(context, given, rows.data(), count, x.data());
      kernels::gemm<cpu>::run(context, op::none, op::transposed, count, classes, width,
                              std::as_const(x).data(), std::as_const(value).data(), logits.data(),
                              kernels::write_mode::overwrite);
      kernels::channel_bias<cpu>::add(context, count, classes, std::as_const(value).data() + bias_at,
                                      logits.data());
      std::ranges::fill(slope, 0.0f);
      result.loss +=
          static_cast<double>(count) *
          kernels::cross_entropy<cpu>::hard(context, count, classes, classes, 1 / static_cast<double>(count),
                                            logits.data(), labels.data(), slope.data());
      std::ranges::fill(gradient, 0.0f);
      kernels::gemm<cpu>::run(context, op::transposed, op::none, classes, width, count,
                              std::as_const(slope).data(), std::as_const(x).data(), gradient.data(),
                              kernels::write_mode::accumulate);
      kernels::channel_bias<cpu>::sum(context, count, classes, std::as_const(slope).data(),
                                      gradient.data() + bias_at);
      optimize(context, table, state, learning_rate(step++), gradient.data(), value.data());
    }
    result.loss /= static_cast<double>(used);
  }
  feature_classifier& found = result.classifier;
  found.width = width;
  found.unit_length = scaling == probe_scaling::unit_length;
  std::tie(found.scale, found.shift) = inputs.trained_scaling(context);
  found.weight.assign(value.begin(), value.begin() + static_cast<std::ptrdiff_t>(bias_at));
  found.bias.assign(value.begin() + static_cast<std::ptrdiff_t>(bias_at), value.end());
  return result;
}

inline probe_result linear_probe::operator()(const labelled_view& train, const labelled_view& test,
                                             const cpu::stream& stream) const {
  expects_labels(test, "linear probe, test");
  expects(train.width() == test.width(), "linear probe: training features have width ", train.width(),
          ", and test features have ", test.width());
  trained_probe trained = this->train(train, stream, classes_of(test));
  expects_finite(test, "linear probe");
  probe_result result;
  result.loss = trained.loss;
  result.classifier = std::move(trained.classifier);
  const std::size_t classes = result.classifier.classes();
  result.probabilities = result.classifier.logits(test, stream);
  std::size_t correct = 0, correct_in_top5 = 0;
  for (std::size_t i = 0; i < test.count(); ++i) {
    const float* row = result.probabilities.data() + i * classes;
    const std::size_t rank = detail::rank_of(static_cast<std::size_t>(test.labels()[i]), row, classes);
    correct += rank == 0;
    correct_in_top5 += rank < 5;
    result.predicted.push_back(static_cast<int>(std::max_element(row, row + classes) - row));
  }
  detail::softmax_rows(result.probabilities, classes);
  result.accuracy = static_cast<double>(correct) / static_cast<double>(test.count());
  result.top5 = static_cast<double>(correct_in_top5) / static_cast<double>(test.count());
  return result;
}

}  // namespace pretext::inline v0_1
