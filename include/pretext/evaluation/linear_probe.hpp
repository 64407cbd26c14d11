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

namespace pretext {

/// What a linear probe found on features that it was not trained on.
struct probe_result {
  double accuracy = 0, top5 = 0;  ///< shares of the test features
  double loss = 0;                ///< mean cross entropy over the last epoch of training
  std::vector<int> predicted;     ///< of each test feature
  std::vector<float> weight;      ///< (classes, width), of features after scaling
  std::vector<float> bias;        ///< (classes)
};

/// How a probe descends.
enum class probe_optimizer {
  sgd,  ///< with Nesterov's momentum: SimCLR, BYOL
  lars  ///< as MAE's (variant byol)
};

/// Multinomial logistic regression on frozen features as in SimCLR (Chen et al. 2020, B.6): SGD with Nesterov
/// momentum from zeros, a cosine without warm-up. Give it h, not z. `mae_probe()` is MAE's.
struct linear_probe {
  std::size_t epochs = 90, batch = 256;
  double rate = 0.1;  ///< for a batch of 256, scaled linearly
  double momentum = 0.9, weight_decay = 0;
  double warmup_epochs = 0;
  double start_deviation = 0;  ///< of the weights
  probe_optimizer optimizer = probe_optimizer::sgd;
  probe_scaling scaling = probe_scaling::none;
  std::uint64_t seed = 1;  ///< of the order of the training features, and of the start

  /// Trains on `train` and answers for `test`; the same bits for any number of threads. Throws
  /// std::invalid_argument where labels are missing, widths differ or a feature is not finite.
  probe_result operator()(const feature_table& train, const feature_table& test,
                          const cpu::stream& stream = {}) const;

 private:
  any_optimizer<sgd, lars> descent() const {
    if (optimizer == probe_optimizer::lars)
      return {lars{.momentum = momentum, .weight_decay = weight_decay, .variant = lars_variant::byol}};
    return {sgd{.momentum = momentum, .nesterov = true, .weight_decay = weight_decay}};
  }
};

/// MAE's linear probe (He et al. 2022, Table 10; mae:main_linprobe.py): batch norm without scale and shift,
/// LARS without decay, 10 epochs of warm-up, weights from N(0, 0.01). The paper's batch is 16384; what does
/// not fill a batch is left out of an epoch. Give it the class token of the final norm.
inline linear_probe mae_probe(std::size_t epochs = 90, std::size_t batch = 16384) {
  return {.epochs = epochs,
          .batch = batch,
          .warmup_epochs = 10,
          .start_deviation = 0.01,
          .optimizer = probe_optimizer::lars,
          .scaling = probe_scaling::batch_norm};
}

namespace detail {

/// Throws std::invalid_argument unless a probe can learn from the one and answer for the other.
inline void expects_probed(const feature_table& train, const feature_table& test) {
  expects_labels(train, "linear probe, training");
  expects_labels(test, "linear probe, test");
  expects(train.width == test.width, "linear probe: training features have ", train.width,
          " numbers and test features ", test.width);
  for (const feature_table* some : {&train, &test})
    expects(std::ranges::all_of(some->values, [](float value) { return std::isfinite(value); }),
            "linear probe: a feature is not a finite number");
}

/// How many classes stand before the right one: 0 is right. Of equals the smaller label comes first.
inline std::size_t rank_of(std::size_t label, const float* logits, std::size_t classes) {
  std::size_t before = 0;
  for (std::size_t c = 0; c < classes; ++c)
    before += logits[c] > logits[label] || (logits[c] == logits[label] && c < label);
  return before;
}

}  // namespace detail

inline probe_result linear_probe::operator()(const feature_table& train, const feature_table& test,
                                             const cpu::stream& stream) const {
  detail::expects_probed(train, test);
  expects(epochs > 0 && batch > 0, "linear probe: epochs and batch must be positive");

  using kernels::op;
  const std::size_t classes = std::max(classes_of(train), classes_of(test)), width = train.width;
  const std::size_t most = std::min(batch, train.count);
  // Batch norm of what is left over would be another one.
  const std::size_t used = scaling == probe_scaling::batch_norm ? train.count / most * most : train.count;
  const auto per_epoch = static_cast<double>((used + most - 1) / most);
  const auto table =
      with_offsets(std::array{parameter{"weight", {classes, width}, initialiser::constant(0)},
                              parameter{"bias", {classes}, initialiser::constant(0), parameter_decay::no}});
  const std::size_t bias_at = table[1].offset;
  on<cpu> context{.stream = stream};
  const any_optimizer<sgd, lars> optimize = descent();
  auto state = optimize.make_state<on<cpu>>(table);
  const cosine_schedule learning_rate{.peak = linear_scaling(rate, most),
                                      .warmup = warmup_epochs * per_epoch,
                                      .length = static_cast<double>(epochs) * per_epoch};
  detail::probe_inputs inputs{scaling, train};

  std::vector<float> value(parameter_count(table)), gradient(value.size()), x(std::max(most, batch) * width),
      logits(std::max(most, batch) * classes), slope(most * classes);
  for (std::size_t i = 0; start_deviation > 0 && i < bias_at; ++i)
    value[i] = static_cast<float>(start_deviation * standard_normal({seed, 0, i, 255}, 0));
  std::vector<int> labels(most);
  std::vector<std::uint32_t> rows(std::max(most, batch));
  const auto classify = [&](std::size_t some) {
    kernels::gemm<cpu>::run(context, op::none, op::transposed, some, classes, width, std::as_const(x).data(),
                            std::as_const(value).data(), logits.data(), kernels::write_mode::overwrite);
    kernels::channel_bias<cpu>::add(context, some, classes, std::as_const(value).data() + bias_at,
                                    logits.data());
  };

  probe_result found;
  double step = 0;
  for (std::uint32_t epoch = 0; epoch < epochs; ++epoch) {
    const permutation order{train.count, seed, epoch};
    found.loss = 0;
    for (std::size_t first = 0; first < used; first += most) {
      const std::size_t some = std::min(most, used - first);
      for (std::size_t i = 0; i < some; ++i) {
        rows[i] = static_cast<std::uint32_t>(order[first + i]);
        labels[i] = train.labels[rows[i]];
      }
      inputs.learn(context, train, rows.data(), some, x.data());
      classify(some);
      std::ranges::fill(slope, 0.0f);
      found.loss +=
          static_cast<double>(some) *
          kernels::cross_entropy<cpu>::hard(context, some, classes, classes, 1 / static_cast<double>(some),
                                            logits.data(), labels.data(), slope.data());
      std::ranges::fill(gradient, 0.0f);
      kernels::gemm<cpu>::run(context, op::transposed, op::none, classes, width, some,
                              std::as_const(slope).data(), std::as_const(x).data(), gradient.data(),
                              kernels::write_mode::accumulate);
      kernels::channel_bias<cpu>::sum(context, some, classes, std::as_const(slope).data(),
                                      gradient.data() + bias_at);
      optimize(context, table, state, learning_rate(step++), gradient.data(), value.data());
    }
    found.loss /= static_cast<double>(used);
  }

  std::size_t right = 0, near_right = 0;
  for (std::size_t first = 0; first < test.count; first += batch) {
    const std::size_t some = std::min(batch, test.count - first);
    std::iota(rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(some),
              static_cast<std::uint32_t>(first));
    inputs.answer(context, test, rows.data(), some, x.data());
    classify(some);
    for (std::size_t i = 0; i < some; ++i) {
      const float* own = logits.data() + i * classes;
      const std::size_t rank =
          detail::rank_of(static_cast<std::size_t>(test.labels[first + i]), own, classes);
      right += rank == 0;
      near_right += rank < 5;
      found.predicted.push_back(static_cast<int>(std::max_element(own, own + classes) - own));
    }
  }
  found.accuracy = static_cast<double>(right) / static_cast<double>(test.count);
  found.top5 = static_cast<double>(near_right) / static_cast<double>(test.count);
  found.weight.assign(value.begin(), value.begin() + static_cast<std::ptrdiff_t>(bias_at));
  found.bias.assign(value.begin() + static_cast<std::ptrdiff_t>(bias_at), value.end());
  return found;
}

}  // namespace pretext
