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
#include "methods.hpp"
#include "run_folder.hpp"

namespace programs {
namespace {

/// Are the images in the GPU's memory from now on? Says so, or why they are not.
bool keeps_images(const pretrain_options& o, const pretext::any_source& train, pretext::any_trainer& trainer,
                  const pretext::loader_options& how) {
  const std::string unavailable_reason =
      o.load_batches ? "--load-batches asks for that" : trainer.upload_dataset(train, how);
  if (unavailable_reason.empty())
    std::fprintf(stderr, "the images are in the GPU's memory, which makes the batches by itself\n");
  else
    std::fprintf(stderr, "batches are loaded by the CPU and copied to the GPU: %s\n",
                 unavailable_reason.c_str());
  return unavailable_reason.empty();
}

}  // namespace

std::optional<run_summary> take_steps(const pretrain_options& o, const run_folder& folder,
                                      const pretext::any_source& train, pretext::any_trainer& trainer,
                                      const step_values& rates, const epoch_measures& measure) {
  using namespace pretext;
  const recipe& r = o.asked;
  const loader_options how{
      .batch = r.batch,
      .seed = r.seed,
      .threads = o.where.threads,
      .on_bad_image = r.on_bad_image == "skip" ? bad_image_policy::skip : bad_image_policy::stop};
  expects(r.batch <= train.size(), "a batch of ", r.batch, " images cannot be made of ", train.size(),
          "; choose a smaller batch");
  const std::size_t per_epoch = batch_order{train.size(), r.batch}.batches_per_epoch(),
                    steps = r.epochs * per_epoch;
  std::fprintf(stderr, "%zu images, %zu steps of %zu images, %s at %zu pixels, %zu threads%s\n", train.size(),
               steps, r.batch, r.encoder.c_str(), r.image_size, o.where.threads,
               o.where.is_gpu() ? " and a GPU" : "");
  const bool keeps = o.where.is_gpu() && keeps_images(o, train, trainer, how);
  const run_options settings{.steps = steps,
                             .steps_per_epoch = per_epoch,
                             .batch = r.batch,
                             .schedule = [&](std::size_t step) { return rates(step, per_epoch); },
                             .folder = o.out,
                             .checkpoint_seconds = o.checkpoint_seconds,
                             .monitor_every = std::clamp<std::size_t>(steps / 60, 1, 25),
                             .stop_on_collapse = card_of(r.method).pairs_views && !o.keep_going,
                             .metric_names = measure.columns,
                             .after_epoch = measure.after,
                             // Not where it calculates: either device may go on with what the other began.
                             .config_fingerprint = folder.read_recipe_text()};
  run_result result;
  std::map<std::size_t, std::string> skipped;
  if (device_batches_tag of_the_device; keeps) {
    result = run_training(settings, trainer, of_the_device, o.resume);
  } else {
    loader batches{train, how};
    result = run_training(settings, trainer, batches, o.resume);
    skipped = batches.skipped();
  }
  if (result.interrupted) {
    std::fprintf(stderr,
                 "stopped at step %zu of %zu; everything is saved, go on with: %s --resume --out %s\n",
                 result.steps, steps, folder.program().c_str(), o.out.c_str());
    return {};
  }
  run_summary summary{result.seconds, result.loss, result.steps, trainer.peak_memory(), {}};
  for (const auto& [index, fault] : skipped) summary.skipped[train.name(index)] = fault;
  return summary;
}

int pretrain(pretrain_options o, const trainer_maker& make, const picture_maker& show) {
  using namespace pretext;
  const run_folder folder{o.out, card_of(o.asked.method).program()};
  if (o.resume) {
    const recipe kept = folder.read_recipe();
    if (kept.method != o.asked.method)
      throw_error<std::runtime_error>(o.out.string(), " holds a run of ", kept.method, "; go on with ",
                                      card_of(kept.method).program(), " --resume --out ", o.out.string());
    o.asked = kept;
  }
  const recipe& r = o.asked;
  const auto trainer = make(r, o.where);  // first: what was not compiled leaves no folder behind
  if (!o.resume) folder.start(r, o.overwrite);
  const datasets data = open_datasets(r);
  const auto rates = [&](std::size_t step, std::size_t per_epoch) {
    const auto at = static_cast<double>(step), epoch = static_cast<double>(per_epoch);
    const double length = static_cast<double>(r.epochs) * epoch;
    const cosine_schedule rate{.peak = r.learning_rate,
                               .warmup = std::round(r.warmup_epochs * epoch),
                               .length = length,
                               .ramp = warm_up::after_start};
    return pretext::step_values{rate(at),
                                cosine_momentum_schedule{.base = r.target_momentum, .length = length}(at)};
  };
  epoch_measures measure;
  if (o.knn_every > 0 && labelled(data.train) && labelled(data.test))
    measure.after = [&](std::size_t epoch) -> std::map<std::string, double> {
      if (epoch % o.knn_every != 0) return {};
      return {{"knn",
               knn{}.accuracy(encode(*trainer, data.train, o.where.threads),
                              encode(*trainer, data.test, o.where.threads), cpu::stream{o.where.threads})}};
    };
  const auto summary = take_steps(o, folder, data.train, *trainer, rates, measure);
  if (!summary) return 130;
  folder.finish(*trainer, *summary, show(*trainer, r, data));
  std::fprintf(stderr, "%zu steps in %.0f s, last loss %.4f; the encoder is in %s\n", summary->steps,
               summary->seconds, summary->loss, folder.encoder().c_str());
  return 0;
}

}  // namespace programs
