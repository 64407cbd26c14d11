#pragma once
#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <pretext/runtime/any_classifier.hpp>

#include "recipe.hpp"

namespace programs {

struct finetune_options {
  std::string weights;  // file of the encoder to start from; empty: from scratch
  double labels = 1;
  bool freeze = false;
  double layer_decay = 1;
  double drop_path = 0;
  double label_smoothing = 0;
  double mixup = 0, cutmix = 0;
  double erasing = 0;
  double rand_augment = 0;

  std::vector<field> fields(recipe&) {
    return {
        {"weights", &weights, "--weights",
         "file of an encoder, in torchvision's, timm's or MAE's names, instead of --run"},
        {"labels", &labels, "--labels", "fraction of the labels to learn from, the same number of each class",
         range{.min = 0, .max = 1, .above_min = true}},
        {"freeze", &freeze, "--freeze", "train only the classifier: a linear probe on augmented images"},
        {"layer_decay", &layer_decay, "--layer-decay",
         "learning rate of a layer relative to the layer above it",
         range{.min = 0, .max = 1, .above_min = true}},
        {"drop_path", &drop_path, "--drop-path", "drop-path rate of the last block (ViT)", below_one{}},
        {"label_smoothing", &label_smoothing, "--label-smoothing", "", below_one{}},
        {"mixup", &mixup, "--mixup", "alpha of mixup; MAE's is 0.8, 0: none", non_negative{}},
        {"cutmix", &cutmix, "--cutmix", "alpha of cutmix; MAE's is 1, 0: none", non_negative{}},
        {"erasing", &erasing, "--erasing", "probability of random erasing; MAE's is 0.25", between{0, 1}},
        {"rand_augment", &rand_augment, "--rand-augment", "magnitude of RandAugment; MAE's is 9, 0: none",
         between{0, 10}}};
  }
};

struct training_options;

using finetune_recipe = recipe_of<finetune_options, recipe>;

/// The outputs of every compiled classifier: the most classes that `finetune` accepts.
inline constexpr std::size_t max_classes = 1000;

/// Creates the recipe's classifier, with an untrained encoder. Its `make` is defined in make_classifier.hpp,
/// which only the sources that CMake stamps include.
struct finetune_classifier {
  using product = pretext::any_classifier;
  struct arguments {
    const finetune_recipe& config;
    std::size_t classes;
  };
  template <class Device>
  static std::unique_ptr<product> make(const arguments&, const typename Device::stream&);
};

/// Default values that suit an encoder: short runs on few labels.
finetune_recipe fine_tuning_recipe(const std::string& encoder);

/// Takes the encoder's weights and the images from a pretraining run.
void follow_run(const std::filesystem::path& run, finetune_recipe& config);

/// Starts or resumes a fine-tuning and writes its results; returns the exit status of the program.
/// `test_every`: epochs between two evaluations on the test images; 0: only at the end.
int fine_tune(finetune_recipe config, const training_options& options, std::size_t test_every);

}  // namespace programs
