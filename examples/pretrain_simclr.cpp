// Pretrains an encoder with SimCLR on images without labels.
//   pretrain_simclr --data builtin --out out/run
//   pretrain_simclr --data photos/ --encoder resnet18 --image-size 96 --epochs 100 --out out/photos
// Leaves in --out: recipe.json, metrics.csv, checkpoint.safetensors (everything a resume needs),
// encoder.safetensors.
#include "support/command_line.hpp"
#include "support/trainers.hpp"

using namespace programs;

int main(int count, char** words) {
  pretraining_program program;
  program.description = "Pretrains an image encoder with SimCLR (Chen et al. 2020), without labels.";
  program.defaults.method = "simclr";
  program.encoders = simclr_encoders();
  program.make = make_simclr;
  program.add_options = [](CLI::App& app, recipe& r) {
    app.add_option("--temperature", r.temperature, "of NT-Xent")
        ->capture_default_str()
        ->check(CLI::PositiveNumber);
    app.add_option("--jitter", r.jitter, "strength s of the colour jitter")->capture_default_str();
  };
  return program.run(count, words);
}
