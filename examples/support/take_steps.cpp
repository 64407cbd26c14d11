#include "take_steps.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <optional>
#include <stdexcept>
#include <utility>

#include <pretext/core/expects.hpp>
#include <pretext/data/batch_order.hpp>
#include <pretext/data/loader.hpp>
#include <pretext/distributed/engine.hpp>
#include <pretext/io/file.hpp>
#include <pretext/runtime/interrupt.hpp>
#include <pretext/runtime/run.hpp>

#include "command_line.hpp"
#include "counted.hpp"
#include "datasets.hpp"
#include "exit_status.hpp"
#include "method_info.hpp"

namespace programs {
namespace {

using namespace pretext;
using shard_evaluation = decltype(epoch_evaluation::after);

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

pretext::image_list images_of_run(const recipe& config, const pretext::any_source& found,
                                  std::size_t threads) {
  using namespace pretext;
  return list_images(found, config.data == "builtin" ? "" : config.data, cpu::stream{threads});
}

void choose_plans(const training_options& options, std::size_t shards, pretext::any_trainer& trainer) {
  using namespace pretext;
  const std::string& choice = options.gpu_plans;
  trainer.time_plans(choice != "first");
  if (choice != "first" && choice != "timed") {
    const auto bytes = read_file(choice);
    try {
      const std::string obstacle =
          trainer.take_plans({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
      if (!obstacle.empty()) std::fprintf(stderr, "%s: %s\n", choice.c_str(), obstacle.c_str());
    } catch (const std::runtime_error& error) {
      throw_error<std::runtime_error>(
          choice, ": ", error.what(),
          "; --gpu-plans takes a file gpu_plans.txt of a run, \"first\" or \"timed\"");
    }
  }
  if (shards > 1) trainer.time_plans(false);
}

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
                 "stopped at step %zu of %zu; everything is saved, resume with: %s --resume --out %s%s\n",
                 result.steps, steps, folder.program().c_str(), shell_word(options.out.string()).c_str(),
                 options.repeated_on_resume.c_str());
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

}  // namespace programs
