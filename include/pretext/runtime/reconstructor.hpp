// SPDX-License-Identifier: MIT
#pragma once
#include <vector>

#include <pretext/data/loader.hpp>

namespace pretext::inline v0_1 {

/// What a masked method predicts for some images, at the encoder's input size.
struct reconstructions {
  std::vector<float> images;     ///< (n, H, W, 3): the views that the network saw
  std::vector<float> predicted;  ///< (n, H, W, 3): the predictions of all patches, masked or visible
  std::vector<bool> masked;      ///< (n, H, W)
};

/// The ability to predict masked patches, which only trainers of masked methods have:
/// `any_trainer::reconstructor()`.
class reconstructor {
 public:
  /// Predicts the evaluation view of each image, with the mask that its sample has in the batch's epoch.
  /// Training continues as if nothing had been called.
  virtual reconstructions reconstruct(const loader::batch& batch) = 0;

 protected:
  ~reconstructor() = default;
};

}  // namespace pretext::inline v0_1
