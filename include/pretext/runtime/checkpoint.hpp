#pragma once
#include <cstddef>
#include <filesystem>
#include <map>
#include <string>

#include <pretext/core/expects.hpp>
#include <pretext/io/safetensors.hpp>
#include <pretext/runtime/any_trainer.hpp>

namespace pretext {

namespace detail {
inline std::string buffer_dtype(const saved_buffer& b) {
  if (b.floating) return b.number_size == 8 ? "F64" : "F32";
  return b.number_size == 8 ? "U64" : "U32";
}
}  // namespace detail

/// Writes everything that a resume needs (weights, running statistics, moments, targets, and the given words
/// about where the run stands) as safetensors, the same from every device; the file is either the old one or
/// the new one, never a half.
inline void save_checkpoint(const std::filesystem::path& path, any_trainer& trainer,
                            const std::map<std::string, std::string>& about) {
  safetensors file;
  file.metadata = about;
  trainer.for_each_buffer([&](const saved_buffer& b) {
    safetensor tensor{detail::buffer_dtype(b), {b.count}, std::vector<std::byte>(b.bytes())};
    b.read(tensor.bytes.data());
    file.tensors.emplace(b.name, std::move(tensor));
  });
  write_safetensors(path, file);
}

/// Reads a checkpoint into a trainer of the same composition, on whichever device either of them is, and
/// returns the words that were saved with it.
/// Throws std::runtime_error that names the file if it was made for another one.
inline std::map<std::string, std::string> load_checkpoint(const std::filesystem::path& path,
                                                          any_trainer& trainer) {
  const safetensors file = read_safetensors(path);
  trainer.for_each_buffer([&](const saved_buffer& b) {
    const auto found = file.tensors.find(std::string{b.name});
    if (found == file.tensors.end())
      throw_error<std::runtime_error>(path.string(), ": has no buffer \"", b.name,
                                      "\"; it is no checkpoint of this method and optimizer");
    const auto& bytes = found->second.bytes;
    if (bytes.size() != b.bytes() || found->second.dtype != detail::buffer_dtype(b))
      throw_error<std::runtime_error>(path.string(), ": buffer \"", b.name, "\" holds ", bytes.size(),
                                      " bytes where ", b.bytes(),
                                      " are needed; it was made for another encoder, head or precision");
    b.write(bytes.data());
  });
  return file.metadata;
}

}  // namespace pretext
