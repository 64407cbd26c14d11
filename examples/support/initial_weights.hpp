#pragma once
#include <filesystem>

#include <pretext/runtime/any_trainer.hpp>

namespace programs {

/// Reads the file of an encoder into the encoder of a training that begins, and into its target network. Says
/// on stderr what was taken, changed and left, in one sentence or with a line for every tensor, and whether
/// the file's images were normalised otherwise. Throws std::runtime_error that names the file and the tensor
/// if it does not fit.
void load_initial_weights(const std::filesystem::path& path, pretext::any_trainer& trainer,
                          bool every_tensor = false);

}  // namespace programs
