#include "command_line.hpp"

#include <algorithm>
#include <cstdio>
#include <exception>
#include <thread>

#include "methods.hpp"

namespace programs {

void add_data_options(CLI::App& app, recipe& r, const std::string& encoders) {
  app.add_option("--data", r.data,
                 "\"builtin\", or a folder: CIFAR, STL-10 or IDX files, or JPEG and PNG images")
      ->capture_default_str();
  app.add_option("--encoder", r.encoder, "the network:" + encoders)->capture_default_str();
  app.add_option("--image-size", r.image_size, "pixels of the views")->capture_default_str();
  app.add_option("--images", r.images, "train on that many images only; 0: all (built-in: 8000)")
      ->capture_default_str();
  app.add_option("--test-images", r.test_images, "test on that many only; 0: all (built-in: 2000)")
      ->capture_default_str();
  app.add_option("--minimum-area", r.minimum_area, "of a random crop")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1.0));
  app.add_option("--normalise", r.normalisation)
      ->capture_default_str()
      ->check(CLI::IsMember({"none", "cifar", "imagenet"}));
  app.add_option("--on-bad-image", r.on_bad_image)
      ->capture_default_str()
      ->check(CLI::IsMember({"stop", "skip"}));
}

void add_training_options(CLI::App& app, recipe& r) {
  app.add_option("--epochs", r.epochs)->capture_default_str()->check(CLI::PositiveNumber);
  app.add_option("--batch", r.batch, "images per step")->capture_default_str()->check(CLI::Range(2, 65536));
  app.add_option("--seed", r.seed)->capture_default_str();
  app.add_option("--optimizer", r.optimizer)
      ->capture_default_str()
      ->check(CLI::IsMember({"sgd", "lars", "adamw"}));
  app.add_option("--learning-rate", r.learning_rate, "at its peak, for this batch")->capture_default_str();
  app.add_option("--warmup-epochs", r.warmup_epochs)->capture_default_str();
  app.add_option("--momentum", r.momentum, "of SGD and LARS")->capture_default_str();
  app.add_flag("--nesterov,!--no-nesterov", r.nesterov, "Nesterov's momentum (SGD)")->capture_default_str();
  app.add_option("--beta1", r.beta1, "of AdamW")->capture_default_str();
  app.add_option("--beta2", r.beta2, "of AdamW")->capture_default_str();
  app.add_option("--weight-decay", r.weight_decay)->capture_default_str();
}

void add_running_options(CLI::App& app, pretrain_options& o) {
  app.add_option("--out", o.out, "folder for the results")->capture_default_str();
  add_processor_options(app, o.where);
  app.add_flag("--load-batches", o.load_batches,
               "do not keep the images in the GPU's memory, even if they fit; changes no result");
  app.add_option("--checkpoint-seconds", o.checkpoint_seconds, "save at least so often")
      ->capture_default_str();
  app.add_flag("--resume", o.resume, "go on from --out's checkpoint; its recipe is used");
  app.add_flag("--overwrite", o.overwrite, "start anew where --out holds a run");
}

void add_processor_options(CLI::App& app, processor& where) {
  app.add_option("--device", where.device, "\"cuda\": the GPU; its results differ from the CPU's by rounding")
      ->capture_default_str()
      ->check(CLI::IsMember({"cpu", "cuda"}));
  app.add_option("--threads", where.threads, "of the CPU; results do not depend on it")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
}

int pretraining_program::run(int count, char** words) const {
  pretrain_options o{.asked = defaults,
                     .out = "out/" + defaults.method,
                     .where = {.threads = std::max(1u, std::thread::hardware_concurrency())}};
  CLI::App app{description};
  add_data_options(app, o.asked, encoders);
  add_training_options(app, o.asked);
  if (add_options) add_options(app, o.asked);
  app.add_option("--knn-every", o.knn_every, "epochs between two kNN evaluations; 0: none")
      ->capture_default_str();
  app.add_flag("--keep-going", o.keep_going, "do not stop when the embedding collapses");
  add_running_options(app, o);
  CLI11_PARSE(app, count, words);
  try {
    return pretrain(std::move(o), make, show);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "\n%s: %s\n", card_of(defaults.method).program().c_str(), error.what());
    return 1;
  }
}

}  // namespace programs
