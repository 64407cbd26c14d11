#pragma once
#include <cstddef>
#include <filesystem>
#include <string>

#include <pretext/runtime/any_trainer.hpp>

#include "recipe.hpp"

// The trained encoder that `pretrain distillation` learns from.
namespace programs {

/// A file and the encoder that it holds.
struct teacher_file {
  std::filesystem::path path;
  std::string encoder;  ///< its name in known_encoders.hpp, or METHOD/NAME (`has_own_transformers`)
  std::size_t image_size = 0, channels = 0;
};

/// The file that `--teacher` names, a file or the folder of a run. The encoder is the one that a program
/// recorded in the file, unless `encoder` names it. Throws std::runtime_error if there is no such file, if no
/// encoder is known, and if a program recorded that the teacher saw images of another size or number of
/// channels than `config` has.
teacher_file find_teacher(const std::string& teacher, const std::string& encoder, const recipe& config);

/// A checksum of the file that `--teacher` names.
std::string checksum_of_teacher(const std::string& teacher);
/// Throws std::runtime_error, naming the file, if it has another checksum than the one that the run recorded.
void expects_teacher(const std::string& teacher, const std::string& recorded);

/// Throws std::runtime_error if the teacher's file says that its images were normalised otherwise than the
/// trainer's; says on stderr if it does not tell.
void check_normalisation(const teacher_file& teacher, const pretext::any_trainer& trainer);

}  // namespace programs
