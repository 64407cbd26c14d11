#pragma once
#include <cstddef>
#include <cstdint>

#include <pretext/data/permutation.hpp>

namespace pretext {

/// Which samples of a data set the batches of an epoch hold: a pure function of (seed, epoch, position), on
/// every device.
struct batch_order {
  std::size_t samples = 0, batch = 1;
  std::uint64_t seed = 1;
  bool shuffle = true;    ///< false: the data set's own order
  bool drop_last = true;  ///< false: the last batch of an epoch may be smaller

  PRETEXT_HOST_DEVICE constexpr std::size_t batches_per_epoch() const {
    return (samples + (drop_last ? 0 : batch - 1)) / batch;
  }
  /// The sample at a position of an epoch; batch number b starts at position b·batch.
  PRETEXT_HOST_DEVICE constexpr std::size_t sample(std::uint32_t epoch, std::size_t position) const {
    return shuffle ? permutation{samples, seed, epoch}[position] : position;
  }
};

}  // namespace pretext
