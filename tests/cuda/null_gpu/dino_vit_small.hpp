#pragma once
#include <cstddef>
#include <memory>

#include "gpu/timed_work.hpp"

namespace pretext::tests::null_gpu {

/// DINO with a ViT-S/16 and multi-crop: two views of 224 and eight of 96 pixels of every image (Caron et al.
/// 2021).
std::unique_ptr<benchmarks::timed_work> dino_vit_small(std::size_t batch);

}  // namespace pretext::tests::null_gpu
