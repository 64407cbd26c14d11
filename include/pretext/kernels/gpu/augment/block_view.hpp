// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <utility>

#include <pretext/devices/grid/kernel.hpp>
#include <pretext/kernels/gpu/augment/filter_lines.hpp>
#include <pretext/kernels/gpu/augment/view_memory.hpp>
#include <pretext/kernels/image/color.hpp>
#include <pretext/kernels/image/filter.hpp>
#include <pretext/kernels/image/levels.hpp>
#include <pretext/kernels/image/resampling.hpp>

namespace pretext::inline v0_1::grid {

/// The view interface that augmentations use (`augment/augmentation.hpp`), implemented by a whole block:
/// all threads make each call together.
template <class Block, class Memory>
class block_view {
  static constexpr std::size_t Channels = Memory::channels;
  static constexpr unsigned width = Memory::width;
  static constexpr unsigned view_threads = Memory::threads;

 public:
  static constexpr std::size_t channels = Channels;
  using pixel_type = pixel<Channels>;
  image_extent extent{Memory::height, Memory::width};

  /// `planes` holds twice as many planes as there are channels: the view's and as many spare ones.
  PRETEXT_HOST_DEVICE block_view(Block& block, Memory& memory, float* planes)
      : block_{&block}, memory_{&memory}, planes_{planes} {}

  PRETEXT_HOST_DEVICE static constexpr unsigned size() { return Memory::height * Memory::width; }
  PRETEXT_HOST_DEVICE pixel_type at(std::size_t i) const { return read(all, planes_, i); }
  PRETEXT_HOST_DEVICE void set(std::size_t i, const pixel_type& p) const { write(all, i, p); }

  /// Calls work(i) for every pixel.
  template <class Work>
  PRETEXT_HOST_DEVICE void for_each_pixel(const Work& work) const {
    block_->for_each_thread([&](unsigned thread) {
      for (unsigned i = thread; i < size(); i += view_threads) work(i);
    });
  }

  template <class F>
  PRETEXT_HOST_DEVICE void map(F f) const {
    pretext::detail::require_pixels<F, Channels>();
    for_each_pixel([&](unsigned i) { set(i, f(at(i))); });
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
      for (unsigned i = thread; i < Channels * size(); i += view_threads) spare[i] = planes_[i];
    });
    const auto before = [this, spare](std::size_t row, std::size_t column) {
      return read(all, spare, row * width + column);
    };
    for_each_pixel([&](unsigned i) { set(i, f(i / width, i % width, before)); });
  }

  /// RGB alone. Each thread counts one level, so no two threads add to the same counter. Valid until the next
  /// call.
  PRETEXT_HOST_DEVICE const level_counts& histogram() const requires(Channels == 3) {
    static_assert(view_threads >= 256);
    block_->for_each_thread([&](unsigned thread) {
      if (thread >= 256) return;
      level_counts& counts = memory_->counts;
      counts.r[thread] = counts.g[thread] = counts.b[thread] = 0;
      for (unsigned i = 0; i < size(); ++i) {
        const rgb p = at(i);
        counts.r[thread] += color::level(p.r) == thread;
        counts.g[thread] += color::level(p.g) == thread;
        counts.b[thread] += color::level(p.b) == thread;
      }
    });
    return memory_->counts;
  }

  /// Separable filter: each plane along its rows into a spare plane, then along its columns back.
  PRETEXT_HOST_DEVICE void filter(const filter_taps& taps, padding border) const {
    block_->for_each_thread([&](unsigned thread) {
      if (thread <= taps.radius) memory_->weight[thread] = taps.weight[thread];
    });
    filter(static_cast<unsigned>(taps.radius), border);
  }

  /// A Gaussian filter (`gaussian_taps`), whose taps are computed by a thread each.
  PRETEXT_HOST_DEVICE void blur(float sigma, std::size_t radius, padding border) const {
    block_->for_each_thread([&](unsigned thread) {
      if (thread <= radius) memory_->term[thread] = gaussian_term(sigma, thread);
    });
    block_->for_each_thread([&](unsigned thread) {
      if (thread > radius) return;
      double sum = memory_->term[0];
      for (std::size_t k = 1; k <= radius; ++k) sum += 2 * memory_->term[k];
      memory_->weight[thread] = static_cast<float>(memory_->term[thread] / sum);
    });
    filter(static_cast<unsigned>(radius), border);
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
    constexpr unsigned lanes = view_threads < 512 ? 256 : 512;
    block_->for_each_thread([&](unsigned thread) {
      if (thread >= lanes) return;
      pixel_type sum{};
      for (unsigned i = thread; i < size(); i += lanes)
        sum = each_channel(sum, f(at(i)), [](float total, float value) { return total + value; });
      ((memory_->lines[C * lanes + thread] = channel_of<C>(sum)), ...);
    });
    for (unsigned half = lanes / 2; half > 0; half /= 2)
      block_->for_each_thread([&](unsigned thread) {
        if (thread >= half) return;
        ((memory_->lines[C * lanes + thread] += memory_->lines[C * lanes + thread + half]), ...);
      });
    const float count = static_cast<float>(size());
    const pixel_type mean{memory_->lines[C * lanes] / count...};
    block_->for_each_thread([](unsigned) {});
    return mean;
  }

  /// Filters every plane by the weights in the block's memory.
  PRETEXT_HOST_DEVICE void filter(unsigned radius, padding border) const {
    while (radius > 0 && memory_->weight[radius] < 1e-9f) --radius;
    if (radius == 0) return;
    float* const between = planes_ + Channels * size();
    for (unsigned c = 0; c < Channels; ++c) {
      filter_rows(*block_, *memory_, planes_ + c * size(), between, radius, border);
      filter_columns(*block_, *memory_, between, planes_ + c * size(), radius, border);
    }
  }

  Block* block_;
  Memory* memory_;
  float* planes_;
};

}  // namespace pretext::inline v0_1::grid
