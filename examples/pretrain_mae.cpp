// Pretrains a vision transformer with MAE: it sees a quarter of each image's patches and predicts the others.
//   pretrain_mae --data builtin --out out/run
//   pretrain_mae --data photos/ --encoder vit-base --image-size 224 --batch 256 --epochs 800 --paper --out
//   out/photos
// Leaves in --out: recipe.json, metrics.csv, checkpoint.safetensors (everything a resume needs),
// encoder.safetensors in timm's names, for fine-tuning.
// The defaults are for a few minutes on a few cores; --paper is He et al.'s schedule.
#include "support/command_line.hpp"
#include "support/reconstructions.hpp"
#include "support/trainers.hpp"

using namespace programs;

int main(int count, char** words) {
  pretraining_program program;
  program.description = "Pretrains a vision transformer with MAE (He et al. 2022), without labels.";
  program.encoders = mae_encoders();
  program.make = make_mae;
  program.show = reconstructed_images;
  program.defaults.method = "mae";
  program.defaults.encoder = "vit-micro";
  program.defaults.optimizer = "adamw";
  program.defaults.learning_rate = 1e-3;
  program.defaults.weight_decay = 0.05;
  program.defaults.normalisation = "imagenet";
  bool paper = false;
  program.add_options = [&](CLI::App& app, recipe& r) {
    app.add_option("--mask-ratio", r.mask_ratio, "part of the patches that is hidden")->capture_default_str();
    app.add_flag("--normalise-pixels,!--no-normalise-pixels", r.normalise_pixels,
                 "predict each patch without its brightness and contrast")
        ->capture_default_str();
    app.add_flag(
        "--paper", paper,
        "the paper's learning rate, 0.00015 for every 256 images of a batch, and 40 epochs of warm-up");
    app.final_callback([&] {
      if (!paper) return;
      r.learning_rate = 1.5e-4 * static_cast<double>(r.batch) / 256;
      r.warmup_epochs = 40;
    });
  };
  return program.run(count, words);
}
