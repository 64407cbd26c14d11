// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <stop_token>
#include <vector>

#include <pretext/core/expects.hpp>
#include <pretext/core/image.hpp>
#include <pretext/core/image_layout.hpp>
#include <pretext/core/random.hpp>
#include <pretext/data/permutation.hpp>

namespace pretext::inline v0_1 {

/// Which images a full `image_reservoir` holds: a uniform random sample of all that were pushed (algorithm R,
/// Vitter 1985), or the newest.
enum class retention { sample, newest };

/// How many images an `image_reservoir` holds, and which.
struct reservoir_options {
  std::size_t capacity = 256;
  retention keep = retention::sample;
  std::uint64_t seed = 1;  ///< of the sample and of the drawn batches
};

/// Images in memory that one thread pushes, such as a camera's, and another one learns from: at most
/// `capacity`, each a copy. Its memory is that of the largest images that its places have held; replacing an
/// image by one of the same size allocates nothing. Any number of threads may call all members at the same
/// time; a call waits for others at most while these copy one image.
class image_reservoir {
 public:
  /// Throws std::invalid_argument for a capacity of 0.
  explicit image_reservoir(const reservoir_options& options = {}) : options_{options} {
    expects(options.capacity > 0, "image_reservoir: a capacity of 0 holds no image");
    held_.reserve(options.capacity);
  }

  /// Copies the image, in place of another one if the reservoir is full, or leaves it out: returns whether it
  /// was copied. Throws std::invalid_argument for an empty image.
  bool push(const image_view& picture) {
    expects(picture.pixels && picture.height > 0 && picture.width > 0, "image_reservoir: an image of ",
            picture.height, " x ", picture.width, " pixels is empty");
    const std::lock_guard lock{mutex_};
    const std::uint64_t number = pushed_++;
    const std::uint64_t place = place_of(number);
    if (place >= options_.capacity) return false;
    if (place == held_.size()) held_.emplace_back();
    frame& to = held_[static_cast<std::size_t>(place)];
    to.number = number;
    copy(picture, to.picture);
    added_.notify_all();
    return true;
  }

  std::size_t capacity() const { return options_.capacity; }
  /// Images that are held.
  std::size_t size() const {
    const std::lock_guard lock{mutex_};
    return held_.size();
  }
  /// Images that were pushed so far, held or not.
  std::uint64_t pushed() const {
    const std::lock_guard lock{mutex_};
    return pushed_;
  }

  /// Waits until `count` images are held or a stop is requested; returns whether they are.
  bool wait_for(std::size_t count, const std::stop_token& stop) const {
    std::unique_lock lock{mutex_};
    return added_.wait(lock, stop, [&] { return held_.size() >= count; });
  }

  /// Copies `count` different images into `images`, and their numbers in the order of `push` into `numbers`:
  /// a random choice that depends on the seed and on `batch`. Vectors that had the same sizes before allocate
  /// nothing. Returns false, and changes nothing, if fewer are held.
  bool draw(std::size_t count, std::uint32_t batch, std::vector<image>& images,
            std::vector<std::uint64_t>& numbers) const {
    const std::size_t held = size();  // which never becomes smaller
    if (held < count) return false;
    images.resize(count);
    numbers.resize(count);
    const permutation order{held, options_.seed, batch};
    for (std::size_t i = 0; i < count; ++i) {
      const std::lock_guard lock{mutex_};  // for each image, so that `push` waits for one
      const frame& from = held_[order[i]];
      copy(from.picture, images[i]);
      numbers[i] = from.number;
    }
    return true;
  }

 private:
  struct frame {
    image picture;
    std::uint64_t number = 0;
  };

  /// Where image `number` is stored; `capacity` or more: nowhere.
  std::uint64_t place_of(std::uint64_t number) const {
    if (number < options_.capacity) return number;
    if (options_.keep == retention::newest) return number % options_.capacity;
    const random_key key{options_.seed, 0, number, 254};  // a view that no augmentation has
    const double chosen = (key.word(0) + key.word(1) * 0x1p-32) * 0x1p-32 * static_cast<double>(number + 1);
    return std::min(static_cast<std::uint64_t>(chosen), number);
  }

  static void copy(const image_view& from, image& to) {
    to.height = from.height;
    to.width = from.width;
    to.channels = from.channels;
    to.type = from.type;
    to.range = from.range;
    to.pixels.resize(from.bytes());
    copy_samples(from, to.pixels.data());
  }

  reservoir_options options_;
  mutable std::mutex mutex_;
  mutable std::condition_variable_any added_;
  std::vector<frame> held_;
  std::uint64_t pushed_ = 0;
};

}  // namespace pretext::inline v0_1
