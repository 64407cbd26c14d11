#include "evaluation.hpp"

#include <algorithm>
#include <chrono>
#include <vector>

#include <pretext/evaluation/knn.hpp>
#include <pretext/evaluation/linear_probe.hpp>

#include "trainers.hpp"

namespace programs {
namespace {

using namespace pretext;

/// Subtracts the mean of the bank from both: without it all pixels point one way.
void centre(feature_table& bank, feature_table& queries) {
  std::vector<double> mean(bank.width);
  for (std::size_t i = 0; i < bank.values.size(); ++i)
    mean[i % bank.width] += static_cast<double>(bank.values[i]) / static_cast<double>(bank.count);
  for (feature_table* some : {&bank, &queries})
    for (std::size_t i = 0; i < some->values.size(); ++i)
      some->values[i] -= static_cast<float>(mean[i % some->width]);
}

linear_probe make_probe(const evaluation_options& how, std::size_t images) {
  if (how.probe != "mae") return {.epochs = how.linear_epochs, .scaling = probe_scaling::standardised};
  auto probe = mae_probe(how.linear_epochs, std::min<std::size_t>(16384, images));
  probe.warmup_epochs = std::min(probe.warmup_epochs, static_cast<double>(how.linear_epochs) / 3);
  return probe;
}

accuracies measure(const feature_table& train, const feature_table& test, const evaluation_options& how,
                   const cpu::stream& stream) {
  const knn vote{.k = how.neighbours, .temperature = how.temperature};
  accuracies found{vote.accuracy(train, test, stream), -1};
  if (how.linear_epochs > 0) found.linear = make_probe(how, train.count)(train, test, stream).accuracy;
  return found;
}

}  // namespace

findings evaluate(const run_folder& folder, const recipe& asked, const datasets& data,
                  const evaluation_options& how) {
  expects(labelled(data.train) && labelled(data.test),
          "evaluation needs labelled training and test images; give --data a folder with train/<class>/ and "
          "test/<class>/ inside");
  const auto start = std::chrono::steady_clock::now();
  const cpu::stream stream{how.where.threads};
  findings found;
  const auto encoder = make_encoder(asked, how.where);
  {
    const auto train = encode(*encoder, data.train, how.where.threads),
               test = encode(*encoder, data.test, how.where.threads);
    found.untrained = measure(train, test, how, stream);
  }
  {
    auto train = pixels(*encoder, data.train, how.where.threads),
         test = pixels(*encoder, data.test, how.where.threads);
    centre(train, test);
    found.pixels = measure(train, test, how, stream);
  }
  load_encoder(folder.encoder(), *encoder);
  found.train = encode(*encoder, data.train, how.where.threads);
  found.test = encode(*encoder, data.test, how.where.threads);
  found.trained = measure(found.train, found.test, how, stream);
  found.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return found;
}

}  // namespace programs
