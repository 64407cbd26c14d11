#pragma once
#include <vector>

#include "pictures.hpp"

namespace programs {

/// What a masked method makes of some test images, beside the views it learned from.
std::vector<pretext::image_sheet> reconstructed_images(pretext::any_trainer& trainer, const recipe& asked,
                                                       const datasets& data);

}  // namespace programs
