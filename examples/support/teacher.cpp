#include "teacher.hpp"

#include <cstdio>
#include <map>
#include <stdexcept>

#include <pretext/core/expects.hpp>
#include <pretext/inference/encoder_metadata.hpp>
#include <pretext/io/safetensors.hpp>

#include "recorded_network.hpp"

namespace programs {

using namespace pretext;

teacher_file find_teacher(const std::string& teacher, const std::string& encoder, const recipe& config) {
  expects(
      !teacher.empty(),
      "distillation needs a teacher: give --teacher with the folder of a run, or with the file of a trained "
      "encoder and --teacher-encoder with its name");
  std::filesystem::path path{teacher};
  if (std::filesystem::is_directory(path)) path /= "encoder.safetensors";
  safetensors recorded;
  recorded.metadata = read_safetensors_metadata(path);
  recorded.origin = path.string();
  teacher_file found{path, encoder, config.image_size, config.channels};
  if (!recorded.metadata.contains("recipe")) {
    if (encoder.empty())
      throw_error<std::runtime_error>(
          path.string(), ": does not record which encoder it holds; name it with --teacher-encoder");
    return found;
  }
  const recorded_network network = network_of(recorded);
  if (encoder.empty()) found.encoder = (network.method == "dinov2" ? "dinov2/" : "") + network.encoder;
  if (network.image_size != config.image_size || network.channels != config.channels)
    throw_error<std::runtime_error>(path.string(), ": is of an encoder of images of ", network.image_size,
                                    " pixels and ", network.channels, " channels, and this run has ",
                                    config.image_size, " and ", config.channels,
                                    "; give --image-size and --channels");
  return found;
}

void check_normalisation(const teacher_file& teacher, const any_trainer& trainer) {
  const auto theirs = read_safetensors_metadata(teacher.path);
  safetensors ours;
  if (const auto info = trainer.info()) write_encoder_info(*info, ours);
  if (!theirs.contains("mean")) {
    std::fprintf(stderr,
                 "%s does not say how its images were normalised: those of published weights mostly are as "
                 "--normalise imagenet does\n",
                 teacher.path.string().c_str());
    return;
  }
  for (const char* key : {"mean", "std"})
    if (theirs.at(key) != ours.metadata[key])
      throw_error<std::runtime_error>(teacher.path.string(), ": its images were normalised with ", key, " ",
                                      theirs.at(key), ", these are with ", ours.metadata[key],
                                      "; give --normalise the teacher's values");
}

}  // namespace programs
