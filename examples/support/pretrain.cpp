#include "pretrain.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <optional>
#include <stdexcept>
#include <utility>

#include <pretext/core/expects.hpp>
#include <pretext/data/batch_order.hpp>
#include <pretext/data/loader.hpp>
#include <pretext/optimizers/schedule.hpp>
#include <pretext/runtime/interrupt.hpp>
#include <pretext/runtime/run.hpp>

#include "counted.hpp"
#include "datasets.hpp"
#include "exit_status.hpp"
#include "initial_weights.hpp"
#include "measured_images.hpp"
#include "presets.hpp"
#include "shared_evaluation.hpp"

namespace programs {
namespace {

using namespace pretext;

void say_batches(const std::string& obstacle) {
  if (obstacle.empty())
    std::fprintf(stderr, "the images are in the GPU's memory; the GPU makes the batches\n");
  else
    std::fprintf(stderr, "batches are loaded by the CPU and copied to the GPU: %s\n", obstacle.c_str());
}

/// Uploads the images to the GPU if they fit; tells the user which side makes the batches, and why.
bool upload_images(const training_options& options, const pretext::any_source& train,
                   pretext::any_trainer& trainer, const pretext::loader_options& loading) {
  const std::string obstacle =
      options.load_batches ? "--load-batches was given" : trainer.upload_dataset(train, loading);
  say_batches(obstacle);
  return obstacle.empty();
}

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

image_list images_of_run(const recipe& config, const any_source& found, std::size_t threads) {
  return list_images(found, config.data == "builtin" ? "" : config.data, cpu::stream{threads});
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
                                          const image_list& images) {
  std::vector<distributed::trait> all = traits_of_program();
  for (const auto& [key, value] : values_of(config))
    if (key != "data") all.push_back({str_cat("value of ", key), value});
  all.push_back({"data set", fingerprint(images)});
  all.push_back({"checkpoint", saved ? str_cat("step ", saved->step) : "none",
                 "all ranks must see the folder of the run"});
  return all;
}

std::string description_of(const held_shards& shards) {
  const auto& held = shards.held;
  return str_cat(", ", held.size(), " shards of each batch on ", counted(held.size() / held.local(), "rank"));
}

/// Uploads the images to the GPUs if they fit on all of them. The first shard says which side makes the
/// batches.
bool upload_images(const training_options& options, const any_source& train, any_trainer& trainer,
                   const loader_options& loading, distributed::communicator<cpu>& host) {
  const std::string own =
      options.load_batches ? "--load-batches was given" : trainer.upload_dataset(train, loading);
  std::vector<distributed::detail::short_text> all(host.shards());
  const distributed::detail::short_text obstacle{own};
  host.all_gather({}, &obstacle, all.data(), sizeof obstacle);
  std::string first;
  for (const auto& each : all)
    if (first.empty()) first = each.view();
  if (host.shard() == 0) say_batches(first);
  return first.empty();
}

using shard_evaluation = decltype(epoch_evaluation::after);

/// Runs the shards that this rank holds, each in a thread, with a trainer and batches of its own.
run_result run_shards(held_shards& shards, const training_options& options_of_all, const run_options& run,
                      const loader_options& loading, const any_source& train,
                      const shard_evaluation& evaluate, bool resume) {
  run_result result;
  const std::size_t held = shards.held.local();
  shards.held.run([&](distributed::any_communicator& own, distributed::communicator<cpu>& host) {
    const std::size_t index = own.shard() - shards.held.first();
    any_trainer& trainer = *shards.trainers[index];
    trainer.set_communicator(&own);
    run_options options = run;
    options.communicator = &host;
    if (evaluate) options.after_epoch = [&](std::size_t epoch) { return evaluate(epoch, {trainer, &host}); };
    loader_options part = loading;
    part.shard = own.shard();
    part.shards = own.shards();
    part.threads = std::max<std::size_t>(1, loading.threads / held);
    part.cache_bytes = loading.cache_bytes / held;
    run_result ended;
    if (device_batches_tag on_device;
        options_of_all.compute.is_gpu() && upload_images(options_of_all, train, trainer, part, host)) {
      ended = run_training(options, trainer, on_device, resume);
    } else {
      loader batches{train, part};
      ended = run_training(options, trainer, batches, resume);
    }
    trainer.set_communicator(nullptr);  // the report computes with this rank's trainer alone
    if (index == 0) result = std::move(ended);
  });
  return result;
}

}  // namespace

void expects_batch(const recipe& config, const pretext::any_source& train) {
  pretext::expects(config.batch <= train.size(), "a batch of ", config.batch, " images cannot be made of ",
                   train.size(), "; choose a smaller batch");
}

int finish_with(const run_folder& folder, const char* what, const std::function<void()>& work) {
  try {
    work();
    return 0;
  } catch (const pretext::interrupted&) { throw; } catch (const pretext::distributed::lost_rank&) {
    throw;
  } catch (const std::exception& error) {
    if (what)
      std::fprintf(stderr, "\n%s: the encoder is in %s, but %s failed: %s\n", folder.program().c_str(),
                   folder.encoder().c_str(), what, sentence_of(error).c_str());
    return exit_failed;
  }
}

finished_training take_steps(recipe& config, const training_options& options, run_folder& folder,
                             const std::optional<pretext::run_state>& saved, const pretext::any_source& train,
                             const pretext::any_source& found, pretext::any_trainer& trainer,
                             const step_schedule& schedule, const epoch_evaluation& evaluation,
                             held_shards* shards) {
  using namespace pretext;
  const std::size_t threads = options.compute.threads;
  const loader_options loading{
      .batch = config.batch,
      .seed = config.seed,
      .threads = threads,
      .on_bad_image = config.on_bad_image == "skip" ? bad_image_policy::skip : bad_image_policy::stop};
  expects_batch(config, train);
  const std::size_t per_epoch = batch_order{train.size(), config.batch}.batches_per_epoch(),
                    steps = config.epochs * per_epoch;
  if (saved && saved->step > steps)
    throw_error<std::runtime_error>(folder.path().string(), ": the run has taken ", saved->step,
                                    " steps, and with ", config.epochs, " epochs of ", per_epoch,
                                    " steps it would have ended before; give --resume more --epochs");
  const image_list images = shards ? shards->images : images_of_run(config, found, threads);
  check_images(folder, images, saved, options.accept_changed_images);
  folder.write_recipe(config);
  finished_training done;
  done.written = saved && saved->step == steps && folder.has_results(steps);
  std::fprintf(stderr, "%s, %s of %s, %s at %zu pixels, %s%s%s\n", counted(train.size(), "image").c_str(),
               counted(steps, "step").c_str(), counted(config.batch, "image").c_str(), config.encoder.c_str(),
               config.image_size, counted(threads, "thread").c_str(),
               options.compute.is_gpu() ? " and a GPU" : "", shards ? description_of(*shards).c_str() : "");
  const bool uploaded =
      !shards && options.compute.is_gpu() && upload_images(options, train, trainer, loading);
  // After the last step an evaluation fails alone, so that the encoder is written.
  const shard_evaluation evaluate = [&](std::size_t epoch,
                                        const evaluated_shard& shard) -> std::map<std::string, double> {
    if (epoch < config.epochs) return evaluation.after(epoch, shard);
    std::map<std::string, double> values;
    const bool says = !shard.others || shard.others->shard() == 0;
    const int status = finish_with(folder, says ? "the evaluation after the last epoch" : nullptr,
                                   [&] { values = evaluation.after(epoch, shard); });
    if (says) done.status |= status;
    return values;
  };
  const auto evaluate_whole = [&](std::size_t epoch) { return evaluate(epoch, {trainer, nullptr}); };
  std::optional<interrupt_guard> signals{std::in_place};  // during the training only
  const run_options run{
      .steps = steps,
      .steps_per_epoch = per_epoch,
      .batch = config.batch,
      .schedule = [&](std::size_t step) { return schedule(step, per_epoch); },
      .folder = options.out,
      .checkpoint_seconds = options.checkpoint_seconds,
      .monitor_every = std::clamp<std::size_t>(steps / 60, 1, 25),
      .stop = signals->token(),
      .stop_on_collapse = info_of(config.method).pairs_views && !options.keep_going,
      .metric_names = evaluation.columns,
      .after_epoch = evaluation.after ? evaluate_whole : decltype(run_options::after_epoch){},
      // Without the device: either one can resume a run of the other.
      .config_fingerprint = folder.writes() ? folder.read_recipe_text() : to_text(config),
      .data_fingerprint = fingerprint(images),
      .compare_fingerprints = false,  // resume_run and check_images have
      .lock = folder.owner(),
      .patience = std::chrono::milliseconds{static_cast<long>(1000 * options.patience)}};
  run_result result;
  const auto say_if_interrupted = [&] {
    signals.reset();
    if (!result.interrupted) return;
    std::fprintf(stderr,
                 "stopped at step %zu of %zu; everything is saved, resume with: %s --resume --out %s\n",
                 result.steps, steps, folder.program().c_str(), options.out.c_str());
    folder.unlock();
  };
  const auto stop_if_interrupted = [&] {
    say_if_interrupted();
    if (result.interrupted)
      end_at_once(exit_interrupted);  // a thread of the loader may be in a read that never returns
  };
  if (shards) {
    result = run_shards(*shards, options, run, loading, train, evaluation.after ? evaluate : nullptr,
                        saved.has_value());
    say_if_interrupted();
    done.ended = result.failed || result.interrupted;
    done.status = result.failed ? exit_failed : result.interrupted ? exit_interrupted : done.status;
    if (done.ended) return done;
  } else if (device_batches_tag device_batches; uploaded) {
    result = run_training(run, trainer, device_batches, saved.has_value());
    stop_if_interrupted();
  } else {
    loader batches{train, loading};
    result = run_training(run, trainer, batches, saved.has_value());
    stop_if_interrupted();
  }
  if (done.written) {
    done.summary = folder.read_summary();
    return done;
  }
  done.summary = {result.seconds, result.loss, result.steps, result.peak_memory, {}};
  for (const auto& [index, error] : result.skipped)
    done.summary.skipped[index < train.size() ? train.name(index) : std::to_string(index)] = error;
  report_faults(done.summary.skipped, "replaced by others");
  return done;
}

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
    if (options.resume) saved = resume_run(folder, config, options.given);
    if (!options.resume) folder.expects_free(options.overwrite);
    const std::size_t held = shards_held(config, options, ranks);
    const bool measured = is_measured(config);
    if (measured) data = open_datasets(config);  // before the trainer, which normalises with the result
    std::vector<distributed::trait> of_gpu;
    if (config.shards > 1 && options.compute.is_gpu()) of_gpu = on_gpus().choose(options.started);
    compute_options compute = options.compute;
    compute.threads = std::max<std::size_t>(1, compute.threads / held);
    while (trainers.size() < held) trainers.push_back(method.make(compute));
    if (options.resume) expects_data(config);
    if (!measured) data = open_datasets(config);
    expects_batch(config, data.train);
    for (const auto& trainer : trainers) {
      if (method.info.learns_labels) trainer->set_labels(labels_to_learn(method.info.program(), data.train));
      // A checkpoint has the weights; a resumed run without one begins again.
      if (!saved && !config.init.empty())
        load_initial_weights(config.init, *trainer, options.init_report && trainer == trainers.front());
    }
    if (!options.resume) apply_length(config, data.train.size(), options.given);
    if (config.shards == 1) return {};
    images = images_of_run(config, data.found, options.compute.threads);
    auto traits = traits_of(config, saved, images);
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
