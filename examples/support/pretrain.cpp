#include "pretrain.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <stdexcept>

#include <pretext/core/expects.hpp>
#include <pretext/data/batch_order.hpp>
#include <pretext/data/loader.hpp>
#include <pretext/evaluation/knn.hpp>
#include <pretext/optimizers/schedule.hpp>
#include <pretext/runtime/run.hpp>

#include "datasets.hpp"
#include "exit_status.hpp"

namespace programs {
namespace {

/// Uploads the images to the GPU if they fit; tells the user which side makes the batches, and why.
bool upload_images(const training_options& options, const pretext::any_source& train,
                   pretext::any_trainer& trainer, const pretext::loader_options& loading) {
  const std::string obstacle =
      options.load_batches ? "--load-batches was given" : trainer.upload_dataset(train, loading);
  if (obstacle.empty())
    std::fprintf(stderr, "the images are in the GPU's memory; the GPU makes the batches\n");
  else
    std::fprintf(stderr, "batches are loaded by the CPU and copied to the GPU: %s\n", obstacle.c_str());
  return obstacle.empty();
}

}  // namespace

run_summary take_steps(const recipe& config, const training_options& options, const run_folder& folder,
                       const pretext::any_source& train, pretext::any_trainer& trainer,
                       const step_schedule& schedule, const epoch_evaluation& evaluation) {
  using namespace pretext;
  const std::size_t threads = options.compute.threads;
  const loader_options loading{
      .batch = config.batch,
      .seed = config.seed,
      .threads = threads,
      .on_bad_image = config.on_bad_image == "skip" ? bad_image_policy::skip : bad_image_policy::stop};
  expects(config.batch <= train.size(), "a batch of ", config.batch, " images cannot be drawn from ",
          train.size(), "; choose a smaller batch");
  const std::size_t per_epoch = batch_order{train.size(), config.batch}.batches_per_epoch(),
                    steps = config.epochs * per_epoch;
  std::fprintf(stderr, "%zu images, %zu steps of %zu images, %s at %zu pixels, %zu threads%s\n", train.size(),
               steps, config.batch, config.encoder.c_str(), config.image_size, threads,
               options.compute.is_gpu() ? " and a GPU" : "");
  const bool uploaded = options.compute.is_gpu() && upload_images(options, train, trainer, loading);
  const run_options run{.steps = steps,
                        .steps_per_epoch = per_epoch,
                        .batch = config.batch,
                        .schedule = [&](std::size_t step) { return schedule(step, per_epoch); },
                        .folder = options.out,
                        .checkpoint_seconds = options.checkpoint_seconds,
                        .monitor_every = std::clamp<std::size_t>(steps / 60, 1, 25),
                        .stop_on_collapse = info_of(config.method).pairs_views && !options.keep_going,
                        .metric_names = evaluation.columns,
                        .after_epoch = evaluation.after,
                        // Without the device: either one can resume a run of the other.
                        .config_fingerprint = folder.read_recipe_text()};
  run_result result;
  const auto stop_if_interrupted = [&] {
    if (!result.interrupted) return;
    std::fprintf(stderr,
                 "stopped at step %zu of %zu; everything is saved, resume with: %s --resume --out %s\n",
                 result.steps, steps, folder.program().c_str(), options.out.c_str());
    end_at_once(exit_interrupted);  // a thread of the loader may be in a read that never returns
  };
  std::map<std::size_t, std::string> skipped;
  if (device_batches_tag device_batches; uploaded) {
    result = run_training(run, trainer, device_batches, options.resume);
    stop_if_interrupted();
  } else {
    loader batches{train, loading};
    result = run_training(run, trainer, batches, options.resume);
    stop_if_interrupted();
    skipped = batches.skipped();
  }
  run_summary summary{result.seconds, result.loss, result.steps, trainer.peak_memory(), {}};
  for (const auto& [index, error] : skipped) summary.skipped[train.name(index)] = error;
  return summary;
}

int pretrain(const pretraining& method, const training_options& options) {
  using namespace pretext;
  recipe& config = method.config;
  const run_folder folder{options.out, method.info.program()};
  if (options.resume) {
    folder.read_recipe(config);
    if (config.method != method.info.name)
      throw_error<std::runtime_error>(options.out.string(), " contains a run of ", config.method,
                                      "; resume it with ", info_of(config.method).program(),
                                      " --resume --out ", options.out.string());
  }
  // First, so that an encoder or device that this program lacks leaves no folder behind.
  const auto trainer = method.make(options.compute);
  if (!options.resume) folder.start(to_text(config), options.overwrite);
  const datasets data = open_datasets(config);
  const auto schedule = [&](std::size_t step, std::size_t per_epoch) {
    const auto now = static_cast<double>(step), epoch = static_cast<double>(per_epoch);
    const double length = static_cast<double>(config.epochs) * epoch;
    const cosine_schedule rate{.peak = config.learning_rate,
                               .warmup = std::round(config.warmup_epochs * epoch),
                               .length = length,
                               .ramp = warm_up::after_start};
    const cosine_momentum_schedule momentum{.base = config.target_momentum, .length = length};
    return pretext::step_values{rate(now), momentum(now)};
  };
  epoch_evaluation evaluation;
  const std::size_t threads = options.compute.threads;
  if (options.knn_every > 0 && !data.unlabelled.empty())
    std::fprintf(stderr, "kNN is not measured: %s\n", data.unlabelled.c_str());
  else if (options.knn_every > 0)
    evaluation.after = [&, bank = labelled_images(data.train), queries = labelled_images(data.test)](
                           std::size_t epoch) -> std::map<std::string, double> {
      if (epoch % options.knn_every != 0) return {};
      return {{"knn", knn{}.accuracy(encode(*trainer, bank, threads), encode(*trainer, queries, threads),
                                     cpu::stream{threads})}};
    };
  const run_summary summary = take_steps(config, options, folder, data.train, *trainer, schedule, evaluation);
  folder.finish(*trainer, summary, method.pictures(*trainer, data));
  std::fprintf(stderr, "%zu steps in %.0f s, last loss %.4f; the encoder is in %s\n", summary.steps,
               summary.seconds, summary.loss, folder.encoder().c_str());
  return 0;
}

}  // namespace programs
