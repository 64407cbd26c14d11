#pragma once
#include <cstddef>

#include <pretext/devices/grid/kernel.hpp>
#include <pretext/kernels/image/color.hpp>
#include <pretext/kernels/image/filter.hpp>
#include <pretext/kernels/image/levels.hpp>
#include <pretext/kernels/image/resampling.hpp>

namespace pretext::inline v0_1::grid {

inline constexpr unsigned view_threads = 256;

/// Shared memory of a view besides its planes.
struct view_memory {
  float r[view_threads], g[view_threads], b[view_threads];
  level_counts counts;
};

/// The view interface that augmentations use (`augment/augmentation.hpp`), implemented by a whole block:
/// all threads make each call together.
template <class Block>
class block_view {
 public:
  image_extent extent;

  /// `planes` holds six planes: red, green, blue and three spare ones.
  PRETEXT_HOST_DEVICE block_view(Block& block, view_memory& memory, image_extent size, float* planes)
      : extent{size}, block_{&block}, memory_{&memory}, planes_{planes} {}

  PRETEXT_HOST_DEVICE std::size_t size() const { return extent.height * extent.width; }
  PRETEXT_HOST_DEVICE rgb at(std::size_t i) const { return pixel(planes_, i); }
  PRETEXT_HOST_DEVICE void set(std::size_t i, rgb p) const {
    planes_[i] = p.r;
    planes_[size() + i] = p.g;
    planes_[2 * size() + i] = p.b;
  }

  /// Calls work(i) for every pixel.
  template <class Work>
  PRETEXT_HOST_DEVICE void for_each_pixel(const Work& work) const {
    block_->for_each_thread([&](unsigned thread) {
      for (std::size_t i = thread; i < size(); i += view_threads) work(i);
    });
  }

  template <class F>
  PRETEXT_HOST_DEVICE void map(F f) const {
    for_each_pixel([&](std::size_t i) { set(i, f(at(i))); });
  }

  template <class F>
  PRETEXT_HOST_DEVICE rgb mean(F f) const {
    block_->for_each_thread([&](unsigned thread) {
      rgb sum{0, 0, 0};
      for (std::size_t i = thread; i < size(); i += view_threads) {
        const rgb p = f(at(i));
        sum = {sum.r + p.r, sum.g + p.g, sum.b + p.b};
      }
      memory_->r[thread] = sum.r;
      memory_->g[thread] = sum.g;
      memory_->b[thread] = sum.b;
    });
    for (unsigned half = view_threads / 2; half > 0; half /= 2)
      block_->for_each_thread([&](unsigned thread) {
        if (thread >= half) return;
        memory_->r[thread] += memory_->r[thread + half];
        memory_->g[thread] += memory_->g[thread + half];
        memory_->b[thread] += memory_->b[thread + half];
      });
    const float count = static_cast<float>(size());
    const rgb mean{memory_->r[0] / count, memory_->g[0] / count, memory_->b[0] / count};
    block_->for_each_thread([](unsigned) {});
    return mean;
  }

  template <class F>
  PRETEXT_HOST_DEVICE void map_pixels(F f) const {
    float* const spare = planes_ + 3 * size();
    block_->for_each_thread([&](unsigned thread) {
      for (std::size_t i = thread; i < 3 * size(); i += view_threads) spare[i] = planes_[i];
    });
    const auto before = [this, spare](std::size_t row, std::size_t column) {
      return pixel(spare, row * extent.width + column);
    };
    for_each_pixel([&](std::size_t i) { set(i, f(i / extent.width, i % extent.width, before)); });
  }

  /// Each thread counts one level, so no two threads add to the same counter. Valid until the next call.
  PRETEXT_HOST_DEVICE const level_counts& histogram() const {
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
    for (unsigned plane = 0; plane < 3; ++plane) {
      float *const from = planes_ + plane * size(), *const between = planes_ + 3 * size();
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
  PRETEXT_HOST_DEVICE rgb pixel(const float* planes, std::size_t i) const {
    return {planes[i], planes[size() + i], planes[2 * size() + i]};
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
  view_memory* memory_;
  float* planes_;
};

}  // namespace pretext::inline v0_1::grid
