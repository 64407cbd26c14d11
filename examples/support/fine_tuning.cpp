#include "fine_tuning.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>
#include <pretext/evaluation/subsets.hpp>
#include <pretext/io/file.hpp>
#include <pretext/io/torch_weights.hpp>
#include <pretext/optimizers/schedule.hpp>

#include "run_folder.hpp"
#include "trainers.hpp"

namespace programs {
namespace {

using namespace pretext;

std::vector<int> labels_of(const any_source& source) {
  std::vector<int> labels;
  for (std::size_t i = 0; i < source.size(); ++i) labels.push_back(source.label(i));
  return labels;
}

/// Shares of a source whose class is the first answer, and among the first five.
struct top_accuracy {
  double first = 0, five = 0;
};

top_accuracy accuracy_of(any_classifier& classifier, const any_source& source, std::size_t threads) {
  const std::size_t classes = classifier.classes();
  std::size_t first = 0, five = 0;
  std::vector<float> logits;
  for_each_batch(source, threads, [&](std::span<const image_view> images, std::size_t begin) {
    logits.clear();
    classifier.predict(images, logits);
    for (std::size_t i = 0; i < images.size(); ++i) {
      const std::span own{logits.data() + i * classes, classes};
      const auto label = static_cast<std::size_t>(source.label(begin + i));
      // A class that no training image had is never the answer.
      const auto before = label < classes
                              ? std::ranges::count_if(own, [&](float x) { return x > own[label]; })
                              : static_cast<std::ptrdiff_t>(classes);
      first += before == 0;
      five += before < 5;
    }
  });
  const auto count = static_cast<double>(source.size());
  return {static_cast<double>(first) / count, static_cast<double>(five) / count};
}

/// Every parameter in torchvision's or timm's names, the classifier's outputs cut to the classes.
void write_classifier(const std::filesystem::path& path, any_classifier& classifier, const any_source& source,
                      const std::string& recipe_text) {
  std::vector<parameter> table;
  for (parameter p : classifier.parameters()) {
    if (p.extents[0] == most_classes && (p.name().starts_with("head.") || p.name().starts_with("fc.")))
      p.extents[0] = classifier.classes();
    table.push_back(p);
  }
  safetensors file;
  file.metadata = {{"format", "pt"},
                   {"made_by", "pretext"},
                   {"recipe", recipe_text},
                   {"classes", nlohmann::json(source.class_names()).dump()}};
  classifier.read_values([&](const float* values) { append_torch_tensors<float>(table, values, "", file); });
  write_safetensors(path, file);
}

double rounded(double x) { return static_cast<double>(static_cast<long>(x * 10000 + 0.5)) / 10000; }

}  // namespace

recipe fine_tuning_recipe(const std::string& encoder) {
  recipe r;
  r.method = "finetune";
  r.encoder = encoder;
  r.epochs = 20;
  r.batch = 64;
  r.minimum_area = 0.35;
  if (encoder.starts_with("vit")) {
    // MAE's (Table 9) without what needs a hundred epochs: mixing, RandAugment, dropped paths.
    r.optimizer = "adamw";
    r.learning_rate = 1e-3;
    r.warmup_epochs = 2;
    r.beta2 = 0.999;
    r.weight_decay = 0.05;
    r.layer_decay = 0.75;
    r.label_smoothing = 0.1;
    r.normalisation = "imagenet";
  } else {
    // SimCLR's (B.5): Nesterov's momentum, neither decay nor warm-up.
    r.optimizer = "sgd";
    r.learning_rate = 0.05;
    r.warmup_epochs = 0;
    r.weight_decay = 0;
  }
  return r;
}

void follow_run(const std::filesystem::path& path, recipe& asked) {
  const run_folder folder{path};
  const recipe run = folder.read_recipe();
  asked.data = run.data;
  asked.image_size = run.image_size;
  asked.images = run.images;
  asked.test_images = run.test_images;
  asked.normalisation = run.normalisation;
  asked.on_bad_image = run.on_bad_image;
  asked.weights = folder.encoder().string();
}

int fine_tune(pretrain_options o, std::size_t test_every) {
  const run_folder folder{o.out, "finetune"};
  if (o.resume) {
    o.asked = folder.read_recipe();
    if (o.asked.method != "finetune")
      throw_error<std::runtime_error>(o.out.string(), " holds a run of ", o.asked.method,
                                      ", not of finetune");
  }
  const recipe& r = o.asked;
  const datasets data = open_datasets(r);
  expects(labelled(data.train) && labelled(data.test),
          "fine-tuning needs labelled training and test images; give --data a folder with train/<class>/ and "
          "test/<class>/ inside");
  const auto all = labels_of(data.train);
  const auto chosen = class_balanced_subset(all, r.labels, r.seed);
  const any_source train = subset<any_source>{data.train, chosen};
  const auto classes =
      std::max(data.train.class_names().size(), static_cast<std::size_t>(std::ranges::max(all)) + 1);

  const auto classifier = make_classifier(r, classes, o.where);
  classifier->set_labels(labels_of(train));
  if (!o.resume) {
    // Before the folder of an earlier run is emptied: a file that cannot be read costs nothing.
    if (!r.weights.empty()) load_encoder(r.weights, *classifier);
    folder.start(r, o.overwrite);
    std::string names;
    for (const std::size_t i : chosen) names += data.train.name(i) + '\n';
    write_atomically(o.out / "labelled.txt", names);
  }

  const auto rates = [&](std::size_t step, std::size_t per_epoch) {
    const auto epoch = static_cast<double>(per_epoch);
    const cosine_schedule rate{.peak = r.learning_rate,
                               .warmup = r.warmup_epochs * epoch,
                               .length = static_cast<double>(r.epochs) * epoch,
                               .end = std::min(1e-6, r.learning_rate)};
    return pretext::step_values{.learning_rate = rate(static_cast<double>(step)), .drop_path = r.drop_path};
  };
  epoch_measures measure{{"accuracy"}, {}};
  if (test_every > 0)
    measure.after = [&](std::size_t epoch) -> std::map<std::string, double> {
      if (epoch % test_every != 0) return {};
      return {{"accuracy", accuracy_of(*classifier, data.test, o.where.threads).first}};
    };
  std::fprintf(stderr, "%zu of %zu labels, %zu classes, %s\n", train.size(), all.size(), classes,
               r.weights.empty() ? "from scratch" : r.weights.c_str());
  const auto summary = take_steps(o, folder, train, *classifier, rates, measure);
  if (!summary) return 130;

  const auto start = std::chrono::steady_clock::now();
  const top_accuracy found = accuracy_of(*classifier, data.test, o.where.threads);
  const double seconds =
      summary->seconds + std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  folder.finish(*classifier, *summary, {});
  write_classifier(o.out / "classifier.safetensors", *classifier, data.train, folder.read_recipe_text());
  std::fprintf(stderr, "%zu steps in %.0f s, last loss %.4f; the classifier is in %s\n", summary->steps,
               summary->seconds, summary->loss, (o.out / "classifier.safetensors").c_str());
  const nlohmann::ordered_json result{{"method", "finetune"},
                                      {"labels", r.labels},
                                      {"from_scratch", r.weights.empty()},
                                      {"accuracy", rounded(found.first)},
                                      {"top5", rounded(found.five)},
                                      {"seconds", rounded(seconds)}};
  std::printf("result: %s\n", result.dump().c_str());
  return 0;
}

}  // namespace programs
