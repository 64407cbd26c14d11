#pragma once
#include <cstddef>
#include <memory>

#include <pretext/runtime/any_classifier.hpp>

#include "recipe.hpp"

// What runs on a GPU is compiled by CUDA's compiler, in gpu/<program>.cu. A program that was built without
// one has without_cuda.cpp instead.
namespace programs {

std::unique_ptr<pretext::any_trainer> make_simclr_on_gpu(const recipe& asked);
std::unique_ptr<pretext::any_trainer> make_byol_on_gpu(const recipe& asked);
std::unique_ptr<pretext::any_trainer> make_mae_on_gpu(const recipe& asked);
std::unique_ptr<pretext::any_classifier> make_classifier_on_gpu(const recipe& asked, std::size_t classes);
std::unique_ptr<pretext::any_encoder> make_encoder_on_gpu(const recipe& asked);

/// Throws std::runtime_error with a sentence that says why there is no GPU to run on, unless there is one.
void expects_gpu();

}  // namespace programs
