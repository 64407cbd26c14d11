#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace programs {

/// Everything that decides what a run computes: kept beside its results, compared on resume. A method reads
/// the members that it knows; a file of an earlier version lacks some, which then have the values that they
/// have here.
struct recipe {
  std::string method = "simclr";
  std::string data = "builtin";
  std::string encoder = "resnet18-thin";
  std::size_t image_size = 32;
  std::size_t images = 0;       // of the training set; 0: all of them
  std::size_t test_images = 0;  // 0: all of them
  std::size_t epochs = 20;
  std::size_t batch = 128;  // images, not views
  std::uint64_t seed = 1;

  std::string optimizer = "sgd";
  double learning_rate = 0.4;  // at its peak, for this batch
  double warmup_epochs = 1;
  double momentum = 0.9;
  bool nesterov = true;
  double beta1 = 0.9, beta2 = 0.95;  // of AdamW
  double weight_decay = 1e-4;

  double temperature = 0.2;              // of NT-Xent
  double target_momentum = 1;            // of a target that follows, at the start
  std::string initialisation = "torch";  // or "official": what the method's authors start from
  double mask_ratio = 0.75;              // of patches hidden
  bool normalise_pixels = true;          // of each patch that is predicted
  double drop_path = 0;
  double layer_decay = 1;  // rate of a layer as a part of that of the layer above it

  double jitter = 0.5;        // strength s of the colour jitter
  double minimum_area = 0.2;  // of a crop
  std::string normalisation = "none";
  std::string on_bad_image = "stop";

  std::string weights;  // file that a fine-tuning starts from; empty: from scratch
  double labels = 1;    // part of the labels that it learns from, the same number of each class
  double label_smoothing = 0;
  double mixup = 0, cutmix = 0;  // the alphas of their Beta distributions; 0: none
  double erasing = 0;            // probability
  double rand_augment = 0;       // magnitude; 0: none
  bool freeze = false;           // only the classifier learns

  friend bool operator==(const recipe&, const recipe&) = default;
};
/// As JSON text, every member by its name; and back. Throws std::runtime_error with `source` if it is none.
std::string to_text(const recipe& asked);
recipe recipe_from_text(const std::string& text, const std::string& source);

/// Name and value of every member, for people to read.
std::vector<std::pair<std::string, std::string>> settings_of(const recipe& asked);

}  // namespace programs
