#pragma once
#include <cstddef>
#include <string>

namespace programs {

/// The device that a program runs on. It is not part of the recipe: checkpoints are portable between CPU and
/// GPU, so a run that one device started can be resumed on the other.
struct compute_options {
  std::string device = "cpu";  // or "cuda"
  std::size_t threads = 1;     // CPU threads: they compute, or load images for the GPU

  bool is_gpu() const { return device == "cuda"; }
};

}  // namespace programs
