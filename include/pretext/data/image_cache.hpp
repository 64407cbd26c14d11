// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <pretext/data/source.hpp>

namespace pretext::inline v0_1 {

/// A cache of decoded images: images are stored until `bytes` are used, further ones are read every time. Bad
/// images are remembered. Several threads may read at once.
class image_cache {
 public:
  image_cache(any_source source, std::size_t bytes)
      : source_{std::move(source)}, images_(bytes > 0 ? source_.size() : 0), bytes_left_{bytes} {}

  const any_source& source() const { return source_; }

  /// The decoded image. Throws what the source throws; a second `bad_image` without reading again.
  std::shared_ptr<const image> read(std::size_t index) {
    {
      const std::lock_guard lock{mutex_};
      if (!images_.empty() && images_[index]) return images_[index];
      if (const auto found = bad_.find(index); found != bad_.end()) throw bad_image{found->second};
    }
    auto decoded = std::make_shared<image>();
    try {
      source_.read(index, *decoded);
    } catch (const bad_image& error) {
      const std::lock_guard lock{mutex_};
      bad_.emplace(index, error.what());
      throw;
    }
    const std::size_t size =
        decoded->pixels.size() + sizeof(image) + 64;  // including the allocator's overhead
    const std::lock_guard lock{mutex_};
    if (!images_.empty() && !images_[index] && size <= bytes_left_) {
      bytes_left_ -= size;
      decoded->pixels.shrink_to_fit();
      images_[index] = decoded;
    }
    return decoded;
  }

 private:
  any_source source_;
  std::mutex mutex_;
  std::vector<std::shared_ptr<const image>> images_;
  std::map<std::size_t, std::string> bad_;
  std::size_t bytes_left_;
};

}  // namespace pretext::inline v0_1
