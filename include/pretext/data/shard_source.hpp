// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <pretext/core/expects.hpp>
#include <pretext/data/block_order.hpp>
#include <pretext/data/block_store.hpp>
#include <pretext/data/left_out.hpp>
#include <pretext/data/shard_index.hpp>
#include <pretext/data/source.hpp>
#include <pretext/io/decode.hpp>
#include <pretext/io/utf8.hpp>

namespace pretext::inline v0_1 {

/// Options of a shard_source. The order of training depends on `block` and `memory`.
struct shard_options {
  decode_options decode{};
  std::size_t block = 16;                           ///< samples that are read at once
  std::uint64_t memory = std::uint64_t{512} << 20;  ///< bytes of encoded images that are kept
};

/// The samples of tar archives, as WebDataset writes them (`shard_index`). Archives are read in blocks of
/// consecutive samples, and the last blocks are kept, so that an epoch in the order of `blocks()` reads every
/// block about once: for data sets on hard disks and network drives, or beyond the memory.
class shard_source {
 public:
  /// Reads the headers of all archives. Without `class_names`, classes are named by their numbers. Throws
  /// std::runtime_error with the archive if one cannot be read, if none contains an image, or if a label is
  /// none of the classes.
  explicit shard_source(std::vector<std::filesystem::path> archives,
                        std::vector<std::string> class_names = {}, shard_options options = {})
      : options_{options}, class_names_{std::move(class_names)} {
    expects(options.block > 0, "a block of archives has one sample or more");
    auto index = std::make_shared<shard_index>(std::move(archives));
    if (index->samples.empty())
      throw_error<std::runtime_error>(
          index->archives.empty() ? std::string{} : index->archives.front().string(),
          ": no images (.jpg, .jpeg, .png) in ", index->archives.size(), " archives",
          index->others.files.empty() ? "" : "; there are other files: ",
          detail::list_counts(index->others.files));
    name_classes(*index);
    // Two thirds of the memory for a window, the rest for blocks of the next one.
    const std::uint64_t block_bytes =
        std::max<std::uint64_t>(1, options.block * index->bytes / index->samples.size());
    blocks_ = {options.block, static_cast<std::size_t>(std::clamp<std::uint64_t>(
                                  options.memory / 3 * 2 / block_bytes, 1, 1 << 20))};
    index_ = std::move(index);
    store_ = std::make_shared<block_store>(options.memory);
  }

  std::size_t size() const { return index_->samples.size(); }
  int label(std::size_t index) const { return sample(index).label; }
  const std::vector<std::string>& class_names() const { return class_names_; }
  /// "\"KEY.jpg\" in ARCHIVE".
  std::string name(std::size_t index) const {
    return str_cat(detail::quote(index_->names.c_str() + sample(index).name), " in ",
                   index_->archives[sample(index).archive].string());
  }
  void read(std::size_t index, image& out) const {
    const std::size_t number = index / options_.block;
    if (sample(index).size > max_bytes())
      throw_error<bad_image>(name(index), ": ", sample(index).size, " bytes are too many for ",
                             options_.decode.max_pixels, " pixels");
    block_store::block_pointer block;
    try {
      block = store_->get(number, [&] { return read_block(number); });
    } catch (const std::runtime_error& error) { throw bad_image{error.what()}; }
    decode_image(block->samples[index % options_.block], name(index), options_.decode, out);
  }

  std::uint64_t stored_bytes(std::size_t index) const { return sample(index).size; }
  /// The order in which the archives are read sequentially.
  block_shape blocks() const { return blocks_; }
  /// Files that belong to no image.
  const pretext::left_out& left_out() const { return index_->others; }
  /// What was read so far, by all copies of this source.
  block_statistics statistics() const { return store_->statistics(); }

 private:
  const shard_index::sample& sample(std::size_t index) const { return index_->samples.at(index); }
  std::uint64_t max_bytes() const { return 8 * std::uint64_t{options_.decode.max_pixels} + 1'000'000; }

  void name_classes(const shard_index& index) {
    std::int32_t largest = -1;
    for (const auto& each : index.samples) largest = std::max(largest, each.label);
    if (class_names_.empty())
      for (std::int32_t i = 0; i <= largest; ++i) class_names_.push_back(std::to_string(i));
    if (largest >= static_cast<std::int64_t>(class_names_.size()))
      throw_error<std::runtime_error>(index.archives.front().string(), ": label ", largest,
                                      " is none of the ", class_names_.size(), " classes of ", "classes.txt");
  }

  sample_block read_block(std::size_t number) const {
    const std::size_t first = number * options_.block, count = std::min(options_.block, size() - first);
    sample_block block;
    std::vector<std::size_t> positions;
    for (std::size_t i = 0; i < count;) {
      const auto begin = sample(first + i);
      std::uint64_t end = begin.offset;
      for (; i < count; ++i) {
        const auto& next = sample(first + i);
        if (next.archive != begin.archive || next.offset < end || next.offset - end > shard_index::max_gap)
          break;
        positions.push_back(block.bytes.size() + static_cast<std::size_t>(next.offset - begin.offset));
        if (next.size <= max_bytes()) end = next.offset + next.size;
      }
      const std::size_t at = block.bytes.size();
      block.bytes.resize(at + static_cast<std::size_t>(end - begin.offset));
      input_file{index_->archives[begin.archive]}.read(begin.offset, std::span{block.bytes}.subspan(at));
    }
    for (std::size_t i = 0; i < count; ++i)
      if (const auto& each = sample(first + i); each.size <= max_bytes())
        block.samples.push_back(
            std::span{block.bytes}.subspan(positions[i], static_cast<std::size_t>(each.size)));
      else
        block.samples.emplace_back();
    return block;
  }

  shard_options options_;
  std::vector<std::string> class_names_;
  block_shape blocks_;
  std::shared_ptr<const shard_index> index_;
  std::shared_ptr<block_store> store_;
};

static_assert(Source<shard_source>);

}  // namespace pretext::inline v0_1
