// Fine-tunes an encoder with all labels, or with a fraction of them: the semi-supervised evaluation of a
// pretrained encoder.
//   finetune --run out/photos --labels 0.1
//     the encoder of a pretraining program
//   finetune --run out/photos --labels 0.1 --from-scratch
//     the baseline: the same recipe without pretrained weights
//   finetune --weights resnet18.safetensors --encoder resnet18 --image-size 224 --data photos/
//     weights from elsewhere, with "resnet18@224" in CMake's list PRETEXT_ENCODERS
//
// Writes to --out: recipe.json, labelled.txt (the images whose labels it used), metrics.csv,
// checkpoint.safetensors (everything a resume needs), classifier.safetensors in torchvision's or timm's
// names; prints one line "result: {...}". Default values depend on the encoder: AdamW with layer decay for a
// ViT (MAE), Nesterov momentum for a ResNet (SimCLR).
#include <algorithm>
#include <string>
#include <thread>

#include "support/command_line.hpp"
#include "support/encoder_list.hpp"
#include "support/exit_status.hpp"
#include "support/fine_tuning.hpp"
#include "support/run_folder.hpp"
#include "support/take_steps.hpp"

using namespace programs;

namespace {

/// The default values depend on two options, so these are read first.
finetune_recipe read_defaults(int argc, char** argv) {
  std::string run, encoder;
  bool from_scratch = false;
  program_options line{""};
  line.add("--run", run);
  line.add("--encoder", encoder);
  line.add_flag("--from-scratch", from_scratch);
  line.parse_known(argc, argv);
  recipe pretraining;
  if (encoder.empty() && !run.empty()) run_folder{run}.read_recipe(pretraining);
  finetune_recipe config = fine_tuning_recipe(encoder.empty() ? pretraining.encoder : encoder);
  if (!run.empty()) follow_run(run, config);
  return config;
}

int run(int argc, char** argv) {
  finetune_recipe config = read_defaults(argc, argv);
  training_options options{.out = "out/finetune",
                           .compute = {.threads = std::max(1u, std::thread::hardware_concurrency())}};
  std::string run;
  bool from_scratch = false;
  std::size_t test_every = 0;
  program_options line{"Fine-tunes an encoder with labels: all of them, or a class-balanced part."};
  line.add("--run", run, "folder of a pretraining run: its encoder, images and normalisation");
  line.add_flag("--from-scratch", from_scratch, "no pretrained weights: the baseline of the same recipe");
  add_recipe_options(line, config, names_of(finetune_encoders));
  line.add({"", &test_every, "--test-every"},
           "epochs between two evaluations on the test images; 0: only at the end")
      .repeat_on_resume();
  add_training_options(line, options);
  if (const auto status = line.parse(argc, argv)) return *status;
  options.given = line.given();
  options.repeated_on_resume = line.words_to_repeat();
  // Both name the weights to start from.
  if (!run.empty() || from_scratch) options.given.push_back("--weights");
  if (from_scratch) config.options.weights.clear();
  pretext::expects(from_scratch || options.resume || !config.options.weights.empty(),
                   "nothing to start from: give --run with the folder of a pretraining run, --weights with "
                   "the file of an encoder, or --from-scratch");
  return fine_tune(config, options, test_every);
}

}  // namespace

int main(int argc, char** argv) {
  return run_program("finetune", [&] { return run(argc, argv); });
}
