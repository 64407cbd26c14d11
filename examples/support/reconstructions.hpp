#pragma once
#include <vector>

#include "pictures.hpp"

namespace programs {

/// The reconstructions of a few test images by a masked method, after the sheet of augmented views.
/// `normalised`: it predicts patches normalised by their own mean and variance.
std::vector<pretext::image_sheet> reconstructed_images(pretext::any_trainer& trainer, const recipe& config,
                                                       bool normalised, const datasets& data);

}  // namespace programs
