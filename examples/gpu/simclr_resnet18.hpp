#pragma once
// A trainer whose kernels are compiled by nvcc (simclr_resnet18.cu), for programs that any C++ compiler
// compiles.
#include <cstdint>
#include <memory>

#include <pretext/runtime/any_trainer.hpp>

/// SimCLR with a ResNet-18 for images of 32 pixels, on the GPU. Throws std::runtime_error if there is none.
std::unique_ptr<pretext::any_trainer> make_simclr_resnet18(std::uint64_t seed);
