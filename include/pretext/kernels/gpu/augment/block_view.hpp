// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <utility>

#include <pretext/devices/grid/kernel.hpp>
#include <pretext/kernels/image/color.hpp>
#include <pretext/kernels/image/filter.hpp>
#include <pretext/kernels/image/levels.hpp>
#include <pretext/kernels/image/resampling.hpp>

namespace pretext::inline v0_1::grid {

inline constexpr unsigned view_threads = 256;

/// Shared memory of a view besides its planes.
template <std::size_t Channels>
struct view_memory {
  float sum[Channels][view_threads];
  level_counts counts;
};

/// The view interface that augmentations use (`augment/augmentation.hpp`), implemented by a whole block:
/// all threads make each call together.
template <class Block, std::size_t Channels = 3>
class block_view {
 public:
  static constexpr std::size_t channels = Channels;
  using pixel_type = pixel<Channels>;
  image_extent extent;

  /// `planes` holds twice as many planes as there are channels: the view's and as many spare ones.
  PRETEXT_HOST_DEVICE block_view(Block& block, view_memory<Channels>& memory, image_extent size,
                                 float* planes)
      : extent{size}, block_{&block}, memory_{&memory}, planes_{planes} {}

  PRETEXT_HOST_DEVICE std::size_t size() const { return extent.height * extent.width; }
  PRETEXT_HOST_DEVICE pixel_type at(std::size_t i) const { return read(all, planes_, i); }
  PRETEXT_HOST_DEVICE void set(std::size_t i, const pixel_type& p) const { write(all, i, p); }

  /// Calls work(i) for every pixel.
  template <class Work>
  PRETEXT_HOST_DEVICE void for_each_pixel(const Work& work) const {
    block_->for_each_thread([&](unsigned thread) {
      for (std::size_t i = thread; i < size(); i += view_threads) work(i);
    });
  }

  template <class F>
  PRETEXT_HOST_DEVICE void map(F f) const {
    pretext::detail::require_pixels<F, Channels>();
    for_each_pixel([&](std::size_t i) { set(i, f(at(i))); });
  }

  template <class F>
  PRETEXT_HOST_DEVICE pixel_type mean(F f) const {
    pretext::detail::require_pixels<F, Channels>();
    return mean_of(all, f);
  }

  template <class F>
  PRETEXT_HOST_DEVICE void map_pixels(F f) const {
    float* const spare = planes_ + Channels * size();
    block_->for_each_thread([&](unsigned thread) {
      for (std::size_t i = thread; i < Channels * size(); i += view_threads) spare[i] = planes_[i];
    });
    const auto before = [this, spare](std::size_t row, std::size_t column) {
      return read(all, spare, row * extent.width + column);
    };
    for_each_pixel([&](std::size_t i) { set(i, f(i / extent.width, i % extent.width, before)); });
  }

  /// RGB alone. Each thread counts one level, so no two threads add to the same counter. Valid until the next
  /// call.
  PRETEXT_HOST_DEVICE const level_counts& histogram() const requires(Channels == 3) {
    static_assert(view_threads == 256);
    block_->for_each_thread([&](unsigned thread) {
      level_counts& counts = memory_->counts;
      counts.r[thread] = counts.g[thread] = counts.b[thread] = 0;
      for (std::size_t i = 0; i < size(); ++i) {
        const rgb p = at(i);
        counts.r[thread] += color::level(p.r) == thread;
        counts.g[thread] += color::level(p.g) == thread;
        counts.b[thread] += color::level(p.b) == thread;
      }
    });
    return memory_->counts;
  }

  /// Separable filter: each plane along its rows into a spare plane, then along its columns back.
  PRETEXT_HOST_DEVICE void filter(filter_taps taps, padding border) const {
    while (taps.radius > 0 && taps.weight[taps.radius] < 1e-9f) --taps.radius;
    if (taps.radius == 0) return;
    for (unsigned plane = 0; plane < Channels; ++plane) {
      float *const from = planes_ + plane * size(), *const between = planes_ + Channels * size();
      for_each_pixel([&](std::size_t i) {
        const std::size_t row = i / extent.width * extent.width;
        between[i] = filtered(from + row, i - row, extent.width, 1, taps, border);
      });
      for_each_pixel([&](std::size_t i) {
        const std::size_t column = i % extent.width;
        from[i] = filtered(between + column, i / extent.width, extent.height, extent.width, taps, border);
      });
    }
  }

 private:
  static constexpr std::make_index_sequence<Channels> all{};

  template <std::size_t... C>
  PRETEXT_HOST_DEVICE pixel_type read(std::index_sequence<C...>, const float* planes, std::size_t i) const {
    return {planes[C * size() + i]...};
  }
  template <std::size_t... C>
  PRETEXT_HOST_DEVICE void write(std::index_sequence<C...>, std::size_t i, const pixel_type& p) const {
    ((planes_[C * size() + i] = channel_of<C>(p)), ...);
  }

  template <std::size_t... C, class F>
  PRETEXT_HOST_DEVICE pixel_type mean_of(std::index_sequence<C...>, F& f) const {
    block_->for_each_thread([&](unsigned thread) {
      pixel_type sum{};
      for (std::size_t i = thread; i < size(); i += view_threads)
        sum = each_channel(sum, f(at(i)), [](float total, float value) { return total + value; });
      ((memory_->sum[C][thread] = channel_of<C>(sum)), ...);
    });
    for (unsigned half = view_threads / 2; half > 0; half /= 2)
      block_->for_each_thread([&](unsigned thread) {
        if (thread >= half) return;
        ((memory_->sum[C][thread] += memory_->sum[C][thread + half]), ...);
      });
    const float count = static_cast<float>(size());
    const pixel_type mean{memory_->sum[C][0] / count...};
    block_->for_each_thread([](unsigned) {});
    return mean;
  }

  /// Σ_k weight[k]·(line[at + k] + line[at - k]).
  PRETEXT_HOST_DEVICE static float filtered(const float* line, std::size_t at, std::size_t count,
                                            std::size_t step, const filter_taps& taps, padding border) {
    float sum = taps.weight[0] * line[at * step];
    for (std::size_t k = 1; k <= taps.radius; ++k) {
      const bool has_before = at >= k, has_after = at + k < count;
      const bool mirrors = border == padding::reflect;
      const float before = has_before ? line[(at - k) * step] : mirrors ? line[(k - at) * step] : 0.f;
      const float after = has_after ? line[(at + k) * step]
                          : mirrors ? line[(2 * count - 2 - at - k) * step]
                                    : 0.f;
      sum += taps.weight[k] * (after + before);
    }
    return sum;
  }

  Block* block_;
  view_memory<Channels>* memory_;
  float* planes_;
};

}  // namespace pretext::inline v0_1::grid
