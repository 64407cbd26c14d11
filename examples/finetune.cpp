// Fine-tunes an encoder with labels, or with a part of them: the semi-supervised evaluation of a pretrained
// one.
//   finetune --run out/photos --labels 0.1
//     what a pretraining program left
//   finetune --run out/photos --labels 0.1 --from-scratch
//     the baseline: the same recipe without the weights
//   finetune --weights resnet18.safetensors --encoder resnet18 --image-size 224 --data photos/
//     other people's weights
//
// Leaves in --out: recipe.json, labelled.txt (the images whose labels it saw), metrics.csv,
// checkpoint.safetensors (everything a resume needs), classifier.safetensors in torchvision's or timm's
// names; prints one line "result: {...}". What is not given follows the encoder: AdamW with layer decay for a
// ViT (MAE), Nesterov's momentum for a ResNet (SimCLR).
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <exception>
#include <thread>

#include "support/command_line.hpp"
#include "support/fine_tuning.hpp"
#include "support/trainers.hpp"

using namespace programs;

namespace {

struct asked_for {
  pretrain_options o;
  std::string run;
  bool from_scratch = false;
  std::size_t test_every = 0;
};

void add_options(CLI::App& app, asked_for& asked) {
  recipe& r = asked.o.asked;
  app.add_option("--run", asked.run, "the folder of a pretraining: its encoder, images and normalisation");
  app.add_option("--weights", r.weights, "an encoder's file instead: torchvision's, timm's or MAE's names");
  app.add_flag("--from-scratch", asked.from_scratch, "no weights: the baseline of the same recipe");
  app.add_option("--labels", r.labels,
                 "part of the labels that it learns from, the same number of each class")
      ->capture_default_str()
      ->check(CLI::Range(1e-9, 1.0));
  app.add_flag("--freeze", r.freeze, "only the classifier learns: a linear probe on augmented images");
  add_data_options(app, r, finetune_encoders());
  add_training_options(app, r);
  app.add_option("--layer-decay", r.layer_decay, "rate of a layer as a part of that of the layer above it")
      ->capture_default_str()
      ->check(CLI::Range(1e-9, 1.0));
  app.add_option("--drop-path", r.drop_path, "rate of dropped paths of the last block (ViT)")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 0.999));
  app.add_option("--label-smoothing", r.label_smoothing)
      ->capture_default_str()
      ->check(CLI::Range(0.0, 0.999));
  app.add_option("--mixup", r.mixup, "alpha of mixup; MAE's is 0.8, 0: none")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
  app.add_option("--cutmix", r.cutmix, "alpha of cutmix; MAE's is 1, 0: none")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
  app.add_option("--erasing", r.erasing, "probability of random erasing; MAE's is 0.25")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1.0));
  app.add_option("--rand-augment", r.rand_augment, "magnitude of RandAugment; MAE's is 9, 0: none")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 10.0));
  app.add_option("--test-every", asked.test_every, "epochs between two looks at the test images; 0: the end")
      ->capture_default_str();
  add_running_options(app, asked.o);
}

/// The recipe that the words leave open follows from the run and the encoder that they name.
recipe defaults_of(int count, char** words) {
  asked_for first;
  first.o.asked.encoder.clear();
  CLI::App app;
  app.set_help_flag();
  app.allow_extras();
  app.add_option("--run", first.run);
  app.add_option("--encoder", first.o.asked.encoder);
  app.add_flag("--from-scratch", first.from_scratch);
  app.parse(count, words);
  if (first.o.asked.encoder.empty() && !first.run.empty())
    first.o.asked.encoder = run_folder{first.run}.read_recipe().encoder;
  recipe r = fine_tuning_recipe(first.o.asked.encoder.empty() ? recipe{}.encoder : first.o.asked.encoder);
  if (!first.run.empty()) follow_run(first.run, r);
  return r;
}

int run(int count, char** words) {
  asked_for asked;
  asked.o = {.asked = defaults_of(count, words),
             .out = "out/finetune",
             .where = {.threads = std::max(1u, std::thread::hardware_concurrency())}};
  CLI::App app{"Fine-tunes an encoder with labels: all of them, or a class-balanced part."};
  add_options(app, asked);
  CLI11_PARSE(app, count, words);
  if (asked.from_scratch) asked.o.asked.weights.clear();
  pretext::expects(
      asked.from_scratch || asked.o.resume || !asked.o.asked.weights.empty(),
      "say what to start from: --run with the folder of a pretraining, --weights with an encoder's "
      "file, or --from-scratch");
  return fine_tune(std::move(asked.o), asked.test_every);
}

}  // namespace

int main(int count, char** words) {
  try {
    return run(count, words);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "\nfinetune: %s\n", error.what());
    return 1;
  }
}
