#include "teacher.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <map>
#include <stdexcept>
#include <vector>

#include <pretext/core/detail/fnv1a.hpp>
#include <pretext/core/expects.hpp>
#include <pretext/inference/encoder_metadata.hpp>
#include <pretext/io/file.hpp>
#include <pretext/io/safetensors.hpp>

#include "recorded_network.hpp"

namespace programs {

using namespace pretext;

namespace {

/// The file that `--teacher` names.
std::filesystem::path file_of(const std::string& teacher) {
  expects(
      !teacher.empty(),
      "distillation needs a teacher: give --teacher with the folder of a run, or with the file of a trained "
      "encoder and --teacher-encoder with its name");
  std::filesystem::path path{teacher};
  if (std::filesystem::is_directory(path)) path /= "encoder.safetensors";
  return path;
}

}  // namespace

std::string checksum_of_teacher(const std::string& teacher) {
  const input_file file{file_of(teacher)};
  std::vector<std::byte> bytes(std::size_t{1} << 20);
  pretext::detail::fnv1a hash;
  for (std::uint64_t at = 0; at < file.size(); at += bytes.size()) {
    bytes.resize(static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), file.size() - at)));
    file.read(at, bytes);
    for (const std::byte each : bytes) hash.add(std::to_integer<unsigned char>(each));
  }
  return hash.text();
}

void expects_teacher(const std::string& teacher, const std::string& recorded) {
  if (checksum_of_teacher(teacher) == recorded) return;
  throw_error<std::runtime_error>(
      file_of(teacher).string(),
      ": the teacher of this run was changed; restore the file, or start another run with another --out");
}

teacher_file find_teacher(const std::string& teacher, const std::string& encoder, const recipe& config) {
  const std::filesystem::path path = file_of(teacher);
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
  if (encoder.empty())
    found.encoder = (has_own_transformers(network.method) ? network.method + "/" : "") + network.encoder;
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
