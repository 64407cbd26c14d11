// SPDX-License-Identifier: MIT
#pragma once
// The register of random streams. A `random_key` gives the same words to every reader, so two operations that
// read the same words would make correlated choices. Each operation therefore owns a range of the words, its
// stream. The numbers of the built-in streams are part of the library's results: changing one changes every
// training run.
#include <array>
#include <cstddef>
#include <cstdint>

#include <pretext/core/cpp20.hpp>

namespace pretext::inline v0_1 {

/// The words [first, first + size) of a `random_key`.
struct random_stream {
  std::uint32_t first = 0, size = 0;
  friend constexpr bool operator==(const random_stream&, const random_stream&) = default;
};

/// Do two of the streams share a word? A stream of size 0 shares none.
template <std::size_t N>
constexpr bool any_overlap(const std::array<random_stream, N>& streams) {
  for (std::size_t i = 0; i < N; ++i)
    for (std::size_t j = 0; j < i; ++j) {
      const random_stream a = streams[i], b = streams[j];
      if (a.size > 0 && b.size > 0 && std::uint64_t{a.first} < std::uint64_t{b.first} + b.size &&
          std::uint64_t{b.first} < std::uint64_t{a.first} + a.size)
        return true;
    }
  return false;
}

namespace streams {

// Words of the key of one view of an image: augmentations.
/// Of `random_resized_crop`.
inline constexpr random_stream crop{0, 512};
/// Of `horizontal_flip`.
inline constexpr random_stream horizontal_flip{512, 1};
/// Of `grayscale`.
inline constexpr random_stream grayscale{516, 1};
/// Of `solarize`.
inline constexpr random_stream solarize{520, 1};
/// Of `gaussian_blur`.
inline constexpr random_stream gaussian_blur{524, 2};
/// Of `color_jitter`.
inline constexpr random_stream color_jitter{528, 6};
/// Of `gaussian_noise`.
inline constexpr random_stream gaussian_noise{536, 2};
/// Of `intensity_jitter`.
inline constexpr random_stream intensity_jitter{540, 4};
/// Of `random_orientation`.
inline constexpr random_stream orientation{544, 2};
/// Of `rand_augment`.
inline constexpr random_stream rand_augment{640, 32};
/// Of `random_erasing`.
inline constexpr random_stream random_erasing{768, 44};
/// The words that the library leaves to operations of its users.
inline constexpr random_stream user_operations{1024, 65536 - 1024};

// Words of the key of one sample of a training step (`sample_keys`): masks and choices inside a network, and,
// from the key of the first sample, mixtures of the whole batch.
/// Of `random_masking` and `block_masking`.
inline constexpr random_stream masks{0, 4096};
/// Of `drop_path`.
inline constexpr random_stream drop_path{4096, 4096};
/// Of `mixup`.
inline constexpr random_stream mixup{8192, 512};
/// Of `cutmix`.
inline constexpr random_stream cutmix{9216, 514};
/// Of `batch_mixing`.
inline constexpr random_stream batch_mixing{10240, 2};

static_assert(!any_overlap(std::array{crop, horizontal_flip, grayscale, solarize, gaussian_blur, color_jitter,
                                      gaussian_noise, intensity_jitter, orientation, rand_augment,
                                      random_erasing, user_operations}),
              "pretext: two augmentations of the library share random numbers.");
static_assert(!any_overlap(std::array{masks, drop_path, mixup, cutmix, batch_mixing}),
              "pretext: two random choices of a training step share random numbers.");

}  // namespace streams
}  // namespace pretext::inline v0_1
