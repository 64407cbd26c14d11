#pragma once
#include <cstddef>
#include <string>

namespace programs {

/// What a program calculates on: not a part of its recipe, since files are the same from either, and a run
/// that one began the other may go on with.
struct processor {
  std::string device = "cpu";  // or "cuda"
  std::size_t threads = 1;     // of the CPU: they calculate, or read images for the GPU

  bool is_gpu() const { return device == "cuda"; }
};

}  // namespace programs
