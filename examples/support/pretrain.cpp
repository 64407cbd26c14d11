#include "pretrain.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <optional>
#include <stdexcept>
#include <utility>

#include <pretext/core/expects.hpp>
#include <pretext/data/loader.hpp>
#include <pretext/optimizers/schedule.hpp>

#include "counted.hpp"
#include "exit_status.hpp"
#include "initial_weights.hpp"
#include "measured_images.hpp"
#include "presets.hpp"
#include "shared_evaluation.hpp"

namespace programs {
namespace {

using namespace pretext;

/// The class of every image, for a method that learns them. Throws std::runtime_error that names an image
/// without one.
std::vector<int> labels_to_learn(const std::string& program, const pretext::any_source& train) {
  std::vector<int> labels;
  for (std::size_t i = 0; i < train.size(); ++i) {
    labels.push_back(train.class_names().size() < 2 ? -1 : train.label(i));
    if (labels.back() < 0)
      pretext::throw_error<std::runtime_error>(
          program, " learns from labels, and ", train.name(i),
          " has none; give it images in a folder for each class, or choose another method");
  }
  return labels;
}

/// How many shards this rank holds. Throws if the ranks cannot hold the shards, or the program cannot compute
/// them on its device.
std::size_t shards_held(const pretraining_recipe& config, const training_options& options,
                        const rank_engine& ranks) {
  distributed::expects_holders(config.shards, ranks.ranks());
  loader_options{.batch = config.batch, .shards = config.shards}.check();
  if (config.shards > 1 && options.compute.is_gpu()) expects_nccl(config.shards);
  return config.shards / ranks.ranks();
}

/// What must be alike on all ranks. Each may find the images elsewhere.
std::vector<distributed::trait> traits_of(recipe& config, const std::optional<run_state>& saved,
                                          const image_list& images, const any_source& test,
                                          const training_options& options) {
  std::vector<distributed::trait> all = traits_of_program(config);
  all.push_back({"data set", fingerprint(images)});
  all.push_back({"value of --knn-every", str_cat(options.knn_every)});
  if (options.knn_every > 0)
    all.push_back({"test set", fingerprint(images_of_run(config, test, options.compute.threads))});
  all.push_back({"checkpoint", saved ? str_cat("step ", saved->step) : "none",
                 "all ranks must see the folder of the run"});
  return all;
}

}  // namespace

int pretrain(const pretraining& method, const training_options& options, rank_engine& ranks) {
  using namespace pretext;
  pretraining_recipe& config = method.config;
  run_folder folder{options.out, method.info.program(), ranks.is_first()};
  std::optional<run_state> saved;
  datasets data;
  std::unique_ptr<rank_shards> held_by_rank;  // outlives what the trainers have recorded
  std::vector<std::unique_ptr<any_trainer>> trainers;
  image_list images;
  // First, so that an encoder, a device or images that are not there leave no folder behind and an earlier
  // run as it was.
  const auto open = [&]() -> std::vector<distributed::trait> {
    if (options.resume) {
      saved = resume_run(folder, config, options.given);
      method.expects_inputs();
    } else {
      folder.expects_free(options.overwrite);
    }
    const std::size_t held = shards_held(config, options, ranks);
    const bool measured = is_measured(config);
    if (measured) data = open_datasets(config);  // before the trainer, which normalises with the result
    std::vector<distributed::trait> of_gpu;
    if (config.shards > 1 && options.compute.is_gpu()) of_gpu = on_gpus().choose(options.started);
    compute_options compute = options.compute;
    compute.threads = std::max<std::size_t>(1, compute.threads / held);
    while (trainers.size() < held) trainers.push_back(method.make(compute));
    if (!options.resume) method.record_inputs();
    if (options.resume) expects_data(config);
    if (!measured) data = open_datasets(config);
    expects_batch(config, data.train);
    for (const auto& trainer : trainers) {
      choose_plans(options, config.shards, *trainer);
      if (method.info.learns_labels) trainer->set_labels(labels_to_learn(method.info.program(), data.train));
      // A checkpoint has the weights; a resumed run without one begins again.
      if (!saved && !config.init.empty())
        load_initial_weights(config.init, *trainer, options.init_report && trainer == trainers.front());
    }
    if (!options.resume) apply_length(config, data.train.size(), options.given);
    if (config.shards == 1) return {};
    images = images_of_run(config, data.found, options.compute.threads);
    auto traits = traits_of(config, saved, images, data.test, options);
    traits.insert(traits.begin(), of_gpu.begin(), of_gpu.end());
    return traits;
  };
  if (const std::string failure = open_alike(ranks, open); !failure.empty()) {
    std::fprintf(stderr, "%s: %s\n", folder.program().c_str(), failure.c_str());
    return exit_failed;
  }
  const auto& trainer = trainers.front();
  std::unique_ptr<held_shards> shards;
  if (config.shards > 1) {
    held_by_rank = options.compute.is_gpu() ? on_gpus().make_shards(ranks, options.started, config.shards)
                                            : make_cpu_shards(ranks, config.shards);
    shards.reset(new held_shards{*held_by_rank, trainers, images});
  }
  if (!options.resume) folder.start(to_text(config), options.overwrite);
  const auto schedule = [&](std::size_t step, std::size_t per_epoch) {
    const auto now = static_cast<double>(step), epoch = static_cast<double>(per_epoch);
    const double length = static_cast<double>(config.epochs) * epoch;
    const cosine_schedule rate{.peak = config.learning_rate,
                               .warmup = std::round(config.warmup_epochs * epoch),
                               .length = length,
                               .ramp = warm_up::after_start};
    const cosine_momentum_schedule momentum{
        .base = config.target_momentum, .length = length, .end = last_target_momentum(config)};
    pretext::step_values values{rate(now), momentum(now)};
    if (const double growth = config.weight_decay_growth; growth != 1)
      values.weight_decay = cosine_schedule{
          .peak = config.weight_decay, .length = length, .end = growth * config.weight_decay}(now);
    method.adjust(step, per_epoch, values);
    return values;
  };
  epoch_evaluation evaluation;
  const std::size_t threads = options.compute.threads;
  const reading how{threads, config};
  if (options.knn_every > 0 && !data.unlabelled.empty())
    std::fprintf(stderr, "kNN is not measured: %s\n", data.unlabelled.c_str());
  else if (options.knn_every > 0)
    evaluation.after = [&, bank = labelled_images(data.train), queries = labelled_images(data.test)](
                           std::size_t epoch, const evaluated_shard& shard) -> std::map<std::string, double> {
      if (epoch % options.knn_every != 0) return {};
      reading own = how;
      own.threads = std::max<std::size_t>(1, how.threads / trainers.size());
      return {{"knn", knn_accuracy(shard.trainer, bank, queries, own, shard.others)}};
    };
  auto done = take_steps(config, options, folder, saved, data.train, data.found, *trainer, schedule,
                         evaluation, shards.get());
  if (done.ended || !folder.writes()) return done.status;
  const run_summary& summary = done.summary;
  if (!done.written) folder.finish(*trainer, summary);
  std::fprintf(stderr, "%s in %.0f s, last loss %.4f; the encoder is in %s\n",
               counted(summary.steps, "step").c_str(), summary.seconds, summary.loss,
               folder.encoder().c_str());
  if (!done.written || !folder.has(pictures_file))
    done.status |= finish_with(folder, "making the pictures of the report",
                               [&] { write_pictures(folder.path(), method.pictures(*trainer, data)); });
  return done.status;
}

}  // namespace programs
