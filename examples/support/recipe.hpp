#pragma once
#include <cstddef>
#include <cstdint>
#include <string>

#include <nlohmann/json.hpp>

namespace programs {

/// Everything that decides what a run computes: kept beside its results, compared on resume.
struct recipe {
  std::string method = "simclr";
  std::string data = "builtin";
  std::string encoder = "resnet18-thin";
  std::size_t image_size = 32;
  std::size_t images = 0;       // of the training set; 0: all of them
  std::size_t test_images = 0;  // 0: all of them
  std::size_t epochs = 20;
  std::size_t batch = 256;  // images, not views
  std::uint64_t seed = 1;
  std::string optimizer = "sgd";
  double learning_rate = 0.5;  // at its peak, for this batch
  double warmup_epochs = 1;
  double momentum = 0.9;
  bool nesterov = true;
  double weight_decay = 1e-4;
  double temperature = 0.2;
  double jitter = 0.5;         // strength s of the colour jitter
  double minimum_area = 0.08;  // of a crop
  std::string normalisation = "none";
  std::string on_bad_image = "stop";

  friend bool operator==(const recipe&, const recipe&) = default;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(recipe, method, data, encoder, image_size, images,
                                                test_images, epochs, batch, seed, optimizer, learning_rate,
                                                warmup_epochs, momentum, nesterov, weight_decay, temperature,
                                                jitter, minimum_area, normalisation, on_bad_image)

}  // namespace programs
