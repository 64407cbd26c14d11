// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <pretext/core/expects.hpp>
#include <pretext/data/records.hpp>

namespace pretext::inline v0_1 {

namespace detail {

/// The extents in the header of an IDX file of 8-bit values; throws unless they match the size of the file.
inline std::vector<std::size_t> idx_extents(const input_file& file, std::size_t rank) {
  std::array<std::byte, 4> magic{};
  std::vector<std::byte> words(4 * rank);
  if (file.size() < 4 + words.size())
    throw_error<std::runtime_error>(file.path().string(), ": the file ends at byte ", file.size(),
                                    ", within the header of an IDX file");
  file.read(0, magic);
  if (magic != std::array{std::byte{0}, std::byte{0}, std::byte{8}, static_cast<std::byte>(rank)})
    throw_error<std::runtime_error>(
        file.path().string(), ": byte 0: this is not an IDX file of 8-bit values with ", rank, " extents");
  file.read(4, words);
  std::vector<std::size_t> extents(rank);
  std::uint64_t total = 1;
  for (std::size_t i = 0; i < rank; ++i) {
    for (std::size_t k = 0; k < 4; ++k)
      extents[i] = extents[i] << 8 | static_cast<std::size_t>(words[4 * i + k]);  // big-endian
    total = extents[i] > 0 && total > file.size() / extents[i] ? file.size() : total * extents[i];
  }
  if (total != file.size() - 4 - words.size())
    throw_error<std::runtime_error>(file.path().string(), ": the header declares ", extents[0],
                                    " items, but ", file.size() - 4 - words.size(),
                                    " bytes follow it; the file is truncated");
  return extents;
}

}  // namespace detail

/// The gray images of an IDX file (MNIST, Fashion-MNIST) and the labels of another one, if `labels` is not
/// empty; as RGB unless `as_rgb` is false. Throws std::runtime_error with the file if one is missing,
/// truncated or of another format.
inline record_source open_idx(const std::filesystem::path& images, const std::filesystem::path& labels = {},
                              bool as_rgb = true) {
  const auto extents = detail::idx_extents(input_file{images}, 3);
  if (extents[0] == 0 || extents[1] == 0 || extents[2] == 0)
    throw_error<std::runtime_error>(images.string(), ": the file contains no images");
  record_source source{
      {.height = extents[1], .width = extents[2], .channels = 1, .header = 16}, {images}, as_rgb};
  if (labels.empty()) return source;
  detail::idx_extents(input_file{labels}, 1);
  const auto bytes = read_file(labels);
  std::vector<int> classes;
  for (std::size_t i = 8; i < bytes.size(); ++i) classes.push_back(static_cast<int>(bytes[i]));
  try {
    source.set_labels(std::move(classes), {});
  } catch (const std::runtime_error& error) {
    throw_error<std::runtime_error>(labels.string(), ": ", error.what());
  }
  return source;
}

}  // namespace pretext::inline v0_1
