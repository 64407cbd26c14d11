#include "evaluation.hpp"

#include <algorithm>
#include <chrono>
#include <vector>

#include <pretext/evaluation/knn.hpp>
#include <pretext/evaluation/linear_probe.hpp>

#include "on_device.hpp"
#include "untrained_encoder.hpp"

namespace programs {
namespace {

using namespace pretext;

/// Subtracts the mean of the bank from both tables: kNN compares directions, and without this all vectors of
/// pixels have nearly the same.
void center(feature_table& bank, feature_table& queries) {
  std::vector<double> mean(bank.width);
  for (std::size_t i = 0; i < bank.values.size(); ++i)
    mean[i % bank.width] += static_cast<double>(bank.values[i]) / static_cast<double>(bank.count);
  for (feature_table* table : {&bank, &queries})
    for (std::size_t i = 0; i < table->values.size(); ++i)
      table->values[i] -= static_cast<float>(mean[i % table->width]);
}

linear_probe make_probe(const evaluation_options& options, std::size_t images) {
  if (options.probe != "mae")
    return {.epochs = options.linear_epochs, .scaling = probe_scaling::standardised};
  auto probe = mae_probe(options.linear_epochs, std::min<std::size_t>(16384, images));
  probe.warmup_epochs = std::min(probe.warmup_epochs, static_cast<double>(options.linear_epochs) / 3);
  return probe;
}

accuracies measure(const feature_table& train, const feature_table& test, const evaluation_options& options,
                   const cpu::stream& stream, shards_on_host* shards) {
  const knn vote{.k = options.neighbours, .temperature = options.temperature};
  accuracies measured;
  measured.of_knn =
      measure_classification(test.labels, knn_shares(vote, train, test, stream, shards), classes_of(train));
  measured.knn = measured.of_knn.accuracy;
  if (options.linear_epochs > 0 && (!shards || shards->shard() == 0)) {
    const auto probed = make_probe(options, train.count)(train, test, stream);
    measured.of_probe =
        measure_classification(test.labels, probed.probabilities, probed.classifier.classes());
    measured.linear = probed.accuracy;
  }
  return measured;
}

}  // namespace

evaluation_result evaluate(const run_folder& folder, const recipe& config, datasets& data,
                           const evaluation_options& options, shards_on_host* shards) {
  const auto start = std::chrono::steady_clock::now();
  const cpu::stream stream{options.compute.threads};
  evaluation_result result;
  const auto encoder = make_on_device<untrained_encoder>({config}, options.compute);
  const reading how{options.compute.threads, config};
  const auto encode_readable = [&](any_source& source) {
    image_faults faults;
    auto table = encode(*encoder, source, how, shards, &faults);
    for (const auto& [index, fault] : faults) result.left_out[source.name(index)] = fault;
    source = without(source, faults);
    return table;
  };
  {
    const auto train = encode_readable(data.train), test = encode_readable(data.test);
    report_faults(result.left_out, "left out");
    result.untrained = measure(train, test, options, stream, shards);
  }
  {
    auto train = pixels(*encoder, data.train, how, shards), test = pixels(*encoder, data.test, how, shards);
    center(train, test);
    result.pixels = measure(train, test, options, stream, shards);
  }
  load_encoder(folder.encoder(), *encoder);
  result.train = encode(*encoder, data.train, how, shards);
  result.test = encode(*encoder, data.test, how, shards);
  result.trained = measure(result.train, result.test, options, stream, shards);
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return result;
}

}  // namespace programs
