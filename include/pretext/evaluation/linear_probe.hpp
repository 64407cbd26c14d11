#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

#include <pretext/core/on.hpp>
#include <pretext/core/parameter.hpp>
#include <pretext/core/random.hpp>
#include <pretext/evaluation/features.hpp>
#include <pretext/kernels/cpu/elementwise.hpp>
#include <pretext/kernels/cpu/gemm.hpp>
#include <pretext/kernels/cpu/optimize.hpp>
#include <pretext/optimizers/schedule.hpp>
#include <pretext/optimizers/sgd.hpp>

namespace pretext {

/// What a linear probe found on features that it was not trained on.
struct probe_result {
  double accuracy = 0, top5 = 0;  ///< shares of the test features
  double loss = 0;                ///< mean cross entropy over the last epoch of training
  std::vector<int> predicted;     ///< of each test feature
  std::vector<float> weight;      ///< (classes, width), of features after standardisation
  std::vector<float> bias;        ///< (classes)
};

/// Multinomial logistic regression on frozen features as in SimCLR (Chen et al. 2020, B.6): SGD with Nesterov
/// momentum from zeros, a cosine without warm-up. Give it h, not z.
struct linear_probe {
  std::size_t epochs = 90, batch = 256;
  double rate = 0.1;  ///< for a batch of 256, scaled linearly
  double momentum = 0.9, weight_decay = 0;
  bool standardise =
      false;  ///< each number to mean 0 and variance 1 over the training features: MAE's batch norm
  std::uint64_t seed = 1;  ///< of the order of the training features

  /// Trains on `train` and answers for `test`; the same bits for any number of threads. Throws
  /// std::invalid_argument where labels are missing, widths differ or a feature is not finite.
  probe_result operator()(const features& train, const features& test, const cpu::stream& stream = {}) const;

 private:
  struct scaling {
    std::vector<float> mean, inverse;
  };
  scaling scaling_of(const features& train) const;
  static void gather(const features& from, const scaling& s, const std::uint32_t* rows, std::size_t count,
                     const cpu::stream& stream, float* to);
  static double cross_entropy(std::size_t rows, std::size_t classes, const int* labels,
                              const cpu::stream& stream, float* logits);
};

namespace detail {
/// A permutation of {0, …, count-1} that depends on seed and epoch alone (Fisher & Yates 1938).
inline std::vector<std::uint32_t> keyed_order(std::size_t count, std::uint64_t seed, std::uint32_t epoch) {
  std::vector<std::uint32_t> order(count);
  std::iota(order.begin(), order.end(), 0u);
  for (std::size_t i = count; i > 1; --i)
    std::swap(order[i - 1], order[random_key{seed, epoch, i}.below(0, static_cast<std::uint32_t>(i))]);
  return order;
}
}  // namespace detail

inline probe_result linear_probe::operator()(const features& train, const features& test,
                                             const cpu::stream& stream) const {
  expects_labels(train, "linear probe, training");
  expects_labels(test, "linear probe, test");
  expects(train.width == test.width, "linear probe: training features have ", train.width,
          " numbers and test features ", test.width);
  expects(epochs > 0 && batch > 0, "linear probe: epochs and batch must be positive");
  for (const features* some : {&train, &test})
    expects(std::ranges::all_of(some->values, [](float value) { return std::isfinite(value); }),
            "linear probe: a feature is not a finite number");

  using kernels::op;
  const std::size_t classes = std::max(classes_of(train), classes_of(test)), width = train.width;
  const std::size_t most = std::min(batch, train.count), per_epoch = (train.count + most - 1) / most;
  const auto table = lay_out(std::array{parameter{"weight", {classes, width}, initialiser::constant(0)},
                                        parameter{"bias", {classes}, initialiser::constant(0), decay::no}});
  const std::size_t bias_at = table[1].offset;
  on<cpu> place{.stream = stream};
  const sgd optimizer{.momentum = momentum, .nesterov = true, .weight_decay = weight_decay};
  sgd::state<on<cpu>> state{table};
  const cosine learning_rate{.peak = linear_scaling(rate, most),
                             .length = static_cast<double>(epochs * per_epoch)};
  const scaling scale = scaling_of(train);

  std::vector<float> value(count(table)), gradient(value.size()), x(std::max(most, batch) * width),
      logits(std::max(most, batch) * classes);
  std::vector<int> labels(most);
  const auto classify = [&](const features& from, const std::uint32_t* rows, std::size_t some) {
    gather(from, scale, rows, some, stream, x.data());
    kernels::gemm<cpu>::run(place, op::as_is, op::transposed, some, classes, width, std::as_const(x).data(),
                            std::as_const(value).data(), logits.data(), kernels::into::overwrite);
    kernels::row_bias<cpu>::add(place, some, classes, std::as_const(value).data() + bias_at, logits.data());
  };

  probe_result found;
  double step = 0;
  for (std::uint32_t epoch = 0; epoch < epochs; ++epoch) {
    const auto order = detail::keyed_order(train.count, seed, epoch);
    found.loss = 0;
    for (std::size_t first = 0; first < train.count; first += most) {
      const std::size_t some = std::min(most, train.count - first);
      classify(train, order.data() + first, some);
      for (std::size_t i = 0; i < some; ++i) labels[i] = train.labels[order[first + i]];
      found.loss += cross_entropy(some, classes, labels.data(), stream, logits.data());
      std::ranges::fill(gradient, 0.0f);
      kernels::gemm<cpu>::run(place, op::transposed, op::as_is, classes, width, some,
                              std::as_const(logits).data(), std::as_const(x).data(), gradient.data(),
                              kernels::into::accumulate);
      kernels::row_bias<cpu>::sum(place, some, classes, std::as_const(logits).data(),
                                  gradient.data() + bias_at);
      optimizer(place, table, state, learning_rate(step++), gradient.data(), value.data());
    }
    found.loss /= static_cast<double>(train.count);
  }

  std::size_t right = 0, near_right = 0;
  std::vector<std::uint32_t> rows(test.count);
  std::iota(rows.begin(), rows.end(), 0u);
  for (std::size_t first = 0; first < test.count; first += batch) {
    const std::size_t some = std::min(batch, test.count - first);
    classify(test, rows.data() + first, some);
    for (std::size_t i = 0; i < some; ++i) {
      const float* own = logits.data() + i * classes;
      const auto label = static_cast<std::size_t>(test.labels[first + i]);
      // Places before the right class; of equals the smaller label comes first.
      std::size_t before = 0;
      for (std::size_t c = 0; c < classes; ++c)
        before += own[c] > own[label] || (own[c] == own[label] && c < label);
      right += before == 0;
      near_right += before < 5;
      found.predicted.push_back(static_cast<int>(std::max_element(own, own + classes) - own));
    }
  }
  found.accuracy = static_cast<double>(right) / static_cast<double>(test.count);
  found.top5 = static_cast<double>(near_right) / static_cast<double>(test.count);
  found.weight.assign(value.begin(), value.begin() + static_cast<std::ptrdiff_t>(bias_at));
  found.bias.assign(value.begin() + static_cast<std::ptrdiff_t>(bias_at), value.end());
  return found;
}

inline linear_probe::scaling linear_probe::scaling_of(const features& train) const {
  scaling s{std::vector<float>(train.width, 0.0f), std::vector<float>(train.width, 1.0f)};
  if (!standardise) return s;
  std::vector<double> sum(train.width), squares(train.width);
  for (std::size_t i = 0; i < train.count; ++i)
    for (std::size_t c = 0; c < train.width; ++c) sum[c] += static_cast<double>(train.row(i)[c]);
  const auto rows = static_cast<double>(train.count);
  for (std::size_t i = 0; i < train.count; ++i)
    for (std::size_t c = 0; c < train.width; ++c) {
      const double away = static_cast<double>(train.row(i)[c]) - sum[c] / rows;
      squares[c] += away * away;
    }
  for (std::size_t c = 0; c < train.width; ++c) {
    s.mean[c] = static_cast<float>(sum[c] / rows);
    s.inverse[c] = static_cast<float>(1 / std::sqrt(squares[c] / rows + 1e-6));
  }
  return s;
}

inline void linear_probe::gather(const features& from, const scaling& s, const std::uint32_t* rows,
                                 std::size_t count, const cpu::stream& stream, float* to) {
  stream.for_each_run(count, 32, [&](std::size_t first, std::size_t last) {
    for (std::size_t i = first; i < last; ++i)
      for (std::size_t c = 0; c < from.width; ++c)
        to[i * from.width + c] = (from.row(rows[i])[c] - s.mean[c]) * s.inverse[c];
  });
}

/// The sum of the rows' cross entropies; logits become the gradient of the mean.
inline double linear_probe::cross_entropy(std::size_t rows, std::size_t classes, const int* labels,
                                          const cpu::stream& stream, float* logits) {
  std::vector<double> value(rows);
  stream.for_each_run(rows, 32, [&](std::size_t first, std::size_t last) {
    for (std::size_t i = first; i < last; ++i) {
      float* own = logits + i * classes;
      const auto label = static_cast<std::size_t>(labels[i]);
      const double most = static_cast<double>(*std::max_element(own, own + classes));
      double total = 0;
      for (std::size_t c = 0; c < classes; ++c) total += std::exp(static_cast<double>(own[c]) - most);
      value[i] = most + std::log(total) - static_cast<double>(own[label]);
      for (std::size_t c = 0; c < classes; ++c) {
        const double probability = std::exp(static_cast<double>(own[c]) - most) / total;
        own[c] = static_cast<float>((probability - (c == label ? 1 : 0)) / static_cast<double>(rows));
      }
    }
  });
  return std::accumulate(value.begin(), value.end(), 0.0);
}

}  // namespace pretext
