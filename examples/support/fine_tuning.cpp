#include "fine_tuning.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <pretext/evaluation/classification_metrics.hpp>
#include <pretext/evaluation/feature_classifier.hpp>
#include <pretext/evaluation/subsets.hpp>
#include <pretext/inference/classifier_file.hpp>
#include <pretext/io/file.hpp>
#include <pretext/optimizers/schedule.hpp>

#include "counted.hpp"
#include "initial_weights.hpp"
#include "measured_images.hpp"
#include "metrics_report.hpp"
#include "on_device.hpp"
#include "run_folder.hpp"
#include "run_report.hpp"
#include "take_steps.hpp"

namespace programs {
namespace {

using namespace pretext;

std::vector<int> labels_of(const any_source& source) {
  std::vector<int> labels;
  for (std::size_t i = 0; i < source.size(); ++i) labels.push_back(source.label(i));
  return labels;
}

/// The classifier's figures on images, and the fraction of them whose class has one of the five largest
/// logits.
struct test_result {
  classification_metrics metrics;
  double top5 = 0;
};

test_result test(any_classifier& classifier, const any_source& source, const reading& how,
                 std::map<std::string, std::string>& left_out) {
  const std::size_t classes = classifier.classes();
  std::size_t five = 0;
  std::vector<float> logits;
  std::vector<int> labels;
  const auto faults = for_each_batch(
      source, how, [&](std::span<const image_view> images, std::span<const std::uint64_t> samples) {
        const std::size_t first = logits.size();
        classifier.predict(images, logits);
        for (std::size_t i = 0; i < images.size(); ++i) {
          const std::span scores{logits.data() + first + i * classes, classes};
          labels.push_back(source.label(samples[i]));
          const auto label = static_cast<std::size_t>(labels.back());
          // A class without a training image has no output and is never predicted.
          const auto larger = label < classes
                                  ? std::ranges::count_if(scores, [&](float x) { return x > scores[label]; })
                                  : static_cast<std::ptrdiff_t>(classes);
          five += larger < 5;
        }
      });
  for (const auto& [index, fault] : faults) left_out[source.name(index)] = fault;
  pretext::detail::softmax_rows(logits, classes);  // AUROC compares images
  return {measure_classification(labels, logits, classes),
          static_cast<double>(five) / static_cast<double>(labels.size())};
}

/// Writes all parameters in torchvision's or timm's names; of the classifier only the outputs that have a
/// class.
void write_classifier(const std::filesystem::path& path, any_classifier& classifier, const any_source& source,
                      const recipe& config, const std::string& recipe_text) {
  std::map<std::string, std::string> metadata{{"recipe", recipe_text}};
  write_levels(levels_of(config), metadata);
  classifier.read_values([&](const float* values) {
    save_classifier<float>(path, classifier.parameters(), values, classifier.classes(), source.class_names(),
                           classifier.info(), metadata);
  });
}

}  // namespace

finetune_recipe fine_tuning_recipe(const std::string& encoder) {
  finetune_recipe r;
  r.method = "finetune";
  r.encoder = encoder;
  r.epochs = 20;
  r.batch = 64;
  r.minimum_area = 0.35;
  if (encoder.starts_with("vit")) {
    // MAE's (Table 9) without mixup, cutmix, RandAugment and drop path, which need a hundred epochs.
    r.optimizer = "adamw";
    r.learning_rate = 1e-3;
    r.warmup_epochs = 2;
    r.beta2 = 0.999;
    r.weight_decay = 0.05;
    r.options.layer_decay = 0.75;
    r.options.label_smoothing = 0.1;
    r.normalisation = "imagenet";
  } else {
    // SimCLR's (B.5): Nesterov momentum, without weight decay and without warm-up.
    r.optimizer = "sgd";
    r.learning_rate = 0.05;
    r.warmup_epochs = 0;
    r.weight_decay = 0;
  }
  return r;
}

void follow_run(const std::filesystem::path& path, finetune_recipe& config) {
  const run_folder folder{path};
  recipe run;
  folder.read_recipe(run);
  config.data = run.data;
  config.image_size = run.image_size;
  config.images = run.images;
  config.test_images = run.test_images;
  config.orientation = run.orientation;
  config.channels = run.channels;
  config.levels = run.levels;
  config.normalisation = run.normalisation;
  config.on_bad_image = run.on_bad_image;
  config.max_pixels = run.max_pixels;
  config.exif_orientation = run.exif_orientation;
  config.options.weights = folder.encoder().string();
}

int fine_tune(finetune_recipe config, const training_options& options, std::size_t test_every) {
  run_folder folder{options.out, "finetune"};
  std::optional<run_state> saved;
  if (options.resume)
    saved = resume_run(folder, config, options.given);
  else
    folder.expects_free(options.overwrite);
  const finetune_options& tuning = config.options;
  if (options.resume) expects_data(config);
  const datasets data = open_labelled_datasets(config, "fine-tuning");
  const auto all = labels_of(data.train);
  const auto chosen = class_balanced_subset(all, tuning.labels, config.seed);
  const any_source train = subset<any_source>{data.train, chosen};
  const auto classes =
      std::max(data.train.class_names().size(), static_cast<std::size_t>(std::ranges::max(all)) + 1);

  const auto classifier = make_on_device<finetune_classifier>({config, classes}, options.compute);
  choose_plans(options, 1, *classifier);
  classifier->set_labels(labels_of(train));
  expects_batch(config, train);
  // Before `start` empties the folder: if the file is unreadable, an earlier run there is still intact.
  if (!saved && !tuning.weights.empty()) load_initial_weights(tuning.weights, *classifier);
  if (!options.resume) folder.start(to_text(config), options.overwrite);
  const auto write_labelled = [&] {
    std::string names;
    for (const std::size_t i : chosen) names += data.train.name(i) + '\n';
    write_atomically(folder.file("labelled.txt"), names);
  };
  if (!saved) write_labelled();

  const auto schedule = [&](std::size_t step, std::size_t per_epoch) {
    const auto epoch = static_cast<double>(per_epoch);
    const cosine_schedule rate{.peak = config.learning_rate,
                               .warmup = config.warmup_epochs * epoch,
                               .length = static_cast<double>(config.epochs) * epoch,
                               .end = std::min(1e-6, config.learning_rate)};
    return pretext::step_values{.learning_rate = rate(static_cast<double>(step)),
                                .drop_path = tuning.drop_path};
  };
  epoch_evaluation evaluation{{"accuracy"}, {}};
  const reading how{options.compute.threads, config};
  std::map<std::string, std::string> left_out;
  if (test_every > 0)
    evaluation.after = [&](std::size_t epoch, const evaluated_shard&) -> std::map<std::string, double> {
      if (epoch % test_every != 0) return {};
      return {{"accuracy", test(*classifier, data.test, how, left_out).metrics.accuracy}};
    };
  std::fprintf(stderr, "%zu of %s, %zu classes, %s\n", train.size(), counted(all.size(), "label").c_str(),
               classes, tuning.weights.empty() ? "from scratch" : tuning.weights.c_str());
  auto done =
      take_steps(config, options, folder, saved, train, data.found, *classifier, schedule, evaluation);
  const run_summary& summary = done.summary;
  const auto file = folder.file("classifier.safetensors");
  if (!done.written || !folder.has("classifier.safetensors")) {
    write_labelled();  // a resumed run may have learned from changed images
    write_classifier(file, *classifier, data.train, config, folder.read_recipe_text());
    folder.finish(*classifier, summary);
  }
  std::fprintf(stderr, "%s in %.0f s, last loss %.4f; the classifier is in %s\n",
               counted(summary.steps, "step").c_str(), summary.seconds, summary.loss, file.c_str());

  const auto start = std::chrono::steady_clock::now();
  test_result tested;
  if (const int failed = finish_with(folder, "testing the classifier", [&] {
        tested = test(*classifier, data.test, how, left_out);
        const auto& names = data.test.class_names();
        folder.add_to_summary("test", json_of(tested.metrics, names));
        write_fine_tuning_report(folder, config, tested.metrics, names, left_out);
      }))
    return failed;
  const double seconds =
      summary.seconds + std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  report_faults(left_out, "left out of the test");
  print_result({{"method", "finetune"},
                {"labels", tuning.labels},
                {"from_scratch", tuning.weights.empty()},
                accuracy_of(tested.metrics),
                {"top5", four_digits(tested.top5)},
                balanced_accuracy_of(tested.metrics),
                auroc_of(tested.metrics),
                {"seconds", four_digits(seconds)}});
  return done.status;
}

}  // namespace programs
