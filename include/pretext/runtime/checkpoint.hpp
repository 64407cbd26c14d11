// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <filesystem>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <pretext/core/expects.hpp>
#include <pretext/io/safetensors.hpp>
#include <pretext/runtime/any_trainer.hpp>

namespace pretext::inline v0_1 {

namespace detail {
inline std::string dtype_of_buffer(const saved_buffer& b) {
  if (b.floating) return b.element_size == 8 ? "F64" : "F32";
  return b.element_size == 8 ? "U64" : "U32";
}
}  // namespace detail

/// Writes everything that resuming needs (weights, running statistics, optimizer state, targets) as
/// safetensors, with `metadata` that describes the state of the run. Files are the same from every device;
/// the file is either the old one or the new one, never a part. Throws std::runtime_error if it cannot be
/// written, and std::logic_error if two buffers have one name.
inline void save_checkpoint(const std::filesystem::path& path, any_trainer& trainer,
                            const std::map<std::string, std::string>& metadata) {
  safetensors file;
  file.metadata = metadata;
  trainer.for_each_buffer([&](const saved_buffer& b) {
    safetensor tensor{detail::dtype_of_buffer(b), {b.count}, std::vector<std::byte>(b.bytes())};
    b.read(tensor.bytes.data());
    const bool is_new = file.tensors.emplace(b.name, std::move(tensor)).second;
    if (!is_new)
      throw_error<std::logic_error>("save_checkpoint: two buffers are called \"", b.name,
                                    "\", and a file stores only one of them; a loss or an optimizer of your "
                                    "own must visit its buffers with names of its own");
  });
  write_safetensors(path, file);
}

/// Reads a checkpoint into a trainer of the same composition and returns the file's metadata. The devices may
/// differ. Throws std::runtime_error that names the file and the buffer, and leaves the trainer as it was, if
/// the file was written by another method, optimizer, encoder or precision.
inline std::map<std::string, std::string> load_checkpoint(const std::filesystem::path& path,
                                                          any_trainer& trainer) {
  const safetensors file = read_safetensors(path);
  trainer.for_each_buffer([&](const saved_buffer& b) {
    const auto found = file.tensors.find(std::string{b.name});
    if (found == file.tensors.end())
      throw_error<std::runtime_error>(path.string(), ": has no buffer \"", b.name,
                                      "\"; it is no checkpoint of this method and optimizer");
    const auto& bytes = found->second.bytes;
    if (bytes.size() != b.bytes() || found->second.dtype != detail::dtype_of_buffer(b))
      throw_error<std::runtime_error>(path.string(), ": buffer \"", b.name, "\" holds ", bytes.size(),
                                      " bytes where ", b.bytes(),
                                      " are needed; it was made for another encoder, head or precision");
  });
  trainer.for_each_buffer(
      [&](const saved_buffer& b) { b.write(file.tensors.at(std::string{b.name}).bytes.data()); });
  return file.metadata;
}

}  // namespace pretext::inline v0_1
