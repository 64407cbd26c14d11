// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include <pretext/core/expects.hpp>

namespace pretext::inline v0_1 {

/// The reaction of a loader to an image that cannot be read: throw; replace it by another one and record it;
/// or leave it out of its batch, which is then smaller or even empty, and record it.
enum class bad_image_policy { stop, skip, leave_out };

/// Options of a loader.
struct loader_options {
  std::size_t batch = 256;
  std::uint64_t seed = 1;
  std::size_t threads = 1;  ///< that decode images in the background
  bad_image_policy on_bad_image = bad_image_policy::stop;
  std::size_t cache_bytes = std::size_t{1} << 30;  ///< for decoded images; others are decoded again
  std::size_t ahead = 2;                           ///< batches decoded in advance
  bool shuffle = true;                             ///< false: the order of the source
  bool drop_last = true;                           ///< false: the last batch of an epoch may be smaller
  std::size_t shard = 0, shards = 1;  ///< read only this one of the equal parts of every batch, in order

  /// Throws std::invalid_argument for values out of range, and unless a batch can be cut into the shards.
  void check() const {
    expects(batch > 0 && threads > 0 && ahead > 0,
            "a loader needs a batch, threads and batches ahead of 1 or more; they are ", batch, ", ", threads,
            " and ", ahead);
    expects(shard < shards, "a loader's shard ", shard, " must be below the number of shards, ", shards);
    if (shards == 1) return;
    expects(drop_last, "a smaller last batch cannot be cut into ", shards, " shards; leave drop_last");
    const std::size_t below = batch / shards * shards, above = below + shards;
    expects(batch % shards == 0, "a batch of ", batch, " images cannot be cut into ", shards,
            " shards; choose ", below > 0 ? str_cat(below, " or ", above) : str_cat(above));
  }
};

/// Options for one pass over `images` images in the order of the source. With `leave_out` the pass is over
/// when all batches of the epoch were taken.
inline loader_options once_in_order(std::size_t images, std::size_t threads,
                                    bad_image_policy on_bad_image = bad_image_policy::stop) {
  return {.batch = std::min<std::size_t>(256, images),
          .threads = threads,
          .on_bad_image = on_bad_image,
          .cache_bytes = 0,
          .shuffle = false,
          .drop_last = false};
}

}  // namespace pretext::inline v0_1
