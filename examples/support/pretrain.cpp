#include "pretrain.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <stdexcept>

#include <pretext/data/loader.hpp>
#include <pretext/evaluation/knn.hpp>
#include <pretext/optimizers/schedule.hpp>
#include <pretext/training/pretraining.hpp>

#include "datasets.hpp"
#include "methods.hpp"
#include "run_folder.hpp"

namespace programs {

int pretrain(pretrain_options o, const trainer_maker& make, const picture_maker& show) {
  using namespace pretext;
  const std::string program = card_of(o.asked.method).program();
  run_folder folder{o.out, program};
  if (o.resume) {
    const recipe kept = folder.read_recipe();
    if (kept.method != o.asked.method)
      fail<std::runtime_error>(o.out.string(), " holds a run of ", kept.method, "; go on with ",
                               card_of(kept.method).program(), " --resume --out ", o.out.string());
    o.asked = kept;
  } else {
    folder.start(o.asked, o.overwrite);
  }
  const recipe& r = o.asked;
  const std::size_t threads = o.threads;

  const datasets data = open_datasets(r);
  const auto trainer = make(r, threads);
  loader batches{
      data.train,
      {.batch = r.batch,
       .seed = r.seed,
       .threads = threads,
       .on_bad_image = r.on_bad_image == "skip" ? bad_image_policy::skip : bad_image_policy::stop}};
  const std::size_t per_epoch = batches.batches_per_epoch(), steps = r.epochs * per_epoch;
  const cosine rate{.peak = r.learning_rate,
                    .warmup = std::round(r.warmup_epochs * static_cast<double>(per_epoch)),
                    .length = static_cast<double>(steps),
                    .ramp = warm_up::after_start};
  const cosine_momentum momentum{.base = r.target_momentum, .length = static_cast<double>(steps)};
  std::fprintf(stderr, "%zu images, %zu steps of %zu images, %s at %zu pixels, %zu threads\n",
               data.train.size(), steps, r.batch, r.encoder.c_str(), r.image_size, threads);

  const bool can_measure = labelled(data.train) && labelled(data.test);
  pretraining settings{.steps = steps,
                       .steps_per_epoch = per_epoch,
                       .batch = r.batch,
                       .seed = r.seed,
                       .rates =
                           [&](std::size_t step) {
                             const auto at = static_cast<double>(step);
                             return any_trainer::rates{rate(at), momentum(at)};
                           },
                       .folder = o.out,
                       .checkpoint_seconds = o.checkpoint_seconds,
                       .monitor_every = std::clamp<std::size_t>(steps / 60, 1, 25),
                       .stop_on_collapse = card_of(r.method).pairs_views && !o.keep_going,
                       .after_epoch = {},
                       .identity = folder.read_recipe_text()};
  if (o.knn_every > 0 && can_measure)
    settings.after_epoch = [&](std::size_t epoch) -> std::map<std::string, double> {
      if (epoch % o.knn_every != 0) return {};
      return {{"knn", knn{}.accuracy(encode(*trainer, data.train, threads),
                                     encode(*trainer, data.test, threads), cpu::stream{threads})}};
    };

  const pretraining_result result = pretext::pretrain(settings, *trainer, batches, o.resume);
  if (result.interrupted) {
    std::fprintf(stderr,
                 "stopped at step %zu of %zu; everything is saved, go on with: %s --resume --out %s\n",
                 result.steps, steps, program.c_str(), o.out.c_str());
    return 130;
  }
  run_summary summary{result.seconds, result.loss, result.steps, trainer->peak_memory(), {}};
  for (const auto& [index, fault] : batches.skipped()) summary.skipped[data.train.name(index)] = fault;
  folder.finish(*trainer, summary, show(*trainer, r, data));
  std::fprintf(stderr, "%zu steps in %.0f s, last loss %.4f; the encoder is in %s\n", result.steps,
               result.seconds, result.loss, (o.out / "encoder.safetensors").c_str());
  return 0;
}

}  // namespace programs
