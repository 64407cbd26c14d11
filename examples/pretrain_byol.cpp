// Pretrains an encoder with BYOL on images without labels and without negatives.
//   pretrain_byol --data builtin --out out/run
//   pretrain_byol --data photos/ --encoder resnet18 --image-size 96 --epochs 100 --out out/photos
// Leaves in --out: recipe.json, metrics.csv, checkpoint.safetensors (everything a resume needs),
// encoder.safetensors.
// The views are the paper's T and T' (App. B): the same crop, flip, jitter and gray; T' is solarized with
// probability 0.2; above 32 pixels T is blurred always and T' with probability 0.1, smaller images never.
#include "support/command_line.hpp"
#include "support/trainers.hpp"

using namespace programs;

int main(int count, char** words) {
  pretraining_program program;
  program.description =
      "Pretrains an image encoder with BYOL (Grill et al. 2020), without labels or negatives.";
  program.defaults.method = "byol";
  program.encoders = byol_encoders();
  program.make = make_byol;
  program.defaults.target_momentum = 0.99;
  program.add_options = [](CLI::App& app, recipe& r) {
    app.add_option("--target-momentum", r.target_momentum,
                   "part of itself that the target keeps per step, at the start; at the end 1")
        ->capture_default_str()
        ->check(CLI::Range(0.0, 1.0));
    app.add_option("--initialisation", r.initialisation,
                   "\"torch\", or \"official\": Haiku's, with a target of another seed")
        ->capture_default_str()
        ->check(CLI::IsMember({"torch", "official"}));
    app.add_option("--jitter", r.jitter, "strength of the colour jitter; 0.5 is the paper's")
        ->capture_default_str();
  };
  return program.run(count, words);
}
