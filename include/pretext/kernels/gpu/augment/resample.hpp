// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <utility>

#include <pretext/core/host_device.hpp>
#include <pretext/core/image.hpp>
#include <pretext/kernels/augment.hpp>
#include <pretext/kernels/gpu/augment/pixel_taps.hpp>
#include <pretext/kernels/image/color.hpp>
#include <pretext/kernels/image/resampling.hpp>

namespace pretext::inline v0_1::grid {

/// Calls work(samples) with a pointer to an image's samples, in their type.
template <class Work>
PRETEXT_HOST_DEVICE void with_samples(const stored_image& image, const Work& work) {
  if (image.type == sample_type::uint8)
    work(image.pixels);
  else if (image.type == sample_type::uint16)
    work(reinterpret_cast<const std::uint16_t*>(image.pixels));
  else
    work(reinterpret_cast<const float*>(image.pixels));
}

/// Resamples an image into a view in [0, 1], by a whole block. A few rows of the source at a time are
/// resampled along their columns into shared memory, each once, and then added to the rows of the view that
/// they belong to, in ascending order.
template <class Block, class Memory, class Canvas>
class view_resampling {
  static constexpr std::size_t channels = Memory::channels;
  static constexpr unsigned height = Memory::height, width = Memory::width, groups = Memory::groups,
                            span = Memory::span;
  static constexpr auto source_rows = static_cast<std::int32_t>(Memory::source_rows);

 public:
  PRETEXT_HOST_DEVICE view_resampling(Block& block, Memory& memory, const stored_image& image,
                                      const resampling_map& map, Canvas& canvas)
      : memory_{memory},
        image_{image},
        map_{map},
        canvas_{canvas},
        rows_{map.method, map.rows},
        columns_{map.method, map.columns} {
    block.for_each_thread([&](unsigned thread) { prepare(thread); });
    const auto extent = static_cast<std::int32_t>(map.rows.extent);
    const std::int32_t last = memory.rows[height - 1].last_read(extent) + 1;
    typename Block::template per_thread<unsigned> done;  // rows of the view, of those of the thread's group
    for (std::int32_t begin = memory.rows[0].last_read(extent) < memory.rows[0].first_read()
                                  ? memory.rows[0].last_read(extent)
                                  : memory.rows[0].first_read();
         begin < last; begin += source_rows) {
      const std::int32_t end = begin + source_rows < last ? begin + source_rows : last;
      block.for_each_thread([&](unsigned thread) {
        if (thread < span * groups)
          with_samples(image, [&](const auto* samples) { mix_columns(samples, thread, begin, end); });
      });
      block.for_each_thread([&](unsigned thread) {
        if (thread < span * groups) add_rows(thread, begin, end, extent, done[thread]);
      });
    }
  }

 private:
  PRETEXT_HOST_DEVICE void prepare(unsigned thread) const {
    for (unsigned y = thread; y < height; y += Memory::threads) memory_.rows[y].set(rows_, y);
    for (unsigned x = thread; x < width; x += Memory::threads)
      memory_.columns[x].set(columns_, static_cast<std::int64_t>(map_.mirrored ? width - 1 - x : x));
  }

  /// The rows of the source from `begin` on, resampled along their columns.
  template <class Sample>
  PRETEXT_HOST_DEVICE void mix_columns(const Sample* samples, unsigned thread, std::int32_t begin,
                                       std::int32_t end) const {
    constexpr unsigned count = Memory::rows_at_once;
    const unsigned group = thread / span;
    const float low = bounds_of(image_.type, image_.range).low;
    const auto rows = static_cast<unsigned>(end - begin);
    const auto row_elements = static_cast<unsigned>(image_.width * image_.channels);
    const auto image_channels = static_cast<unsigned>(image_.channels);
    const unsigned channel_step = image_channels == 1 ? 0 : 1;  // gray values are those of every channel
    const std::size_t first_pixel = static_cast<std::size_t>(map_.rows.begin + begin) * image_.width +
                                    static_cast<std::size_t>(map_.columns.begin);
    const Sample* const first = samples + first_pixel * image_.channels;
    unsigned line[count];  // where the thread's rows begin; those that do not exist read the first one
    for (unsigned r = 0; r < count; ++r)
      line[r] = group + r * groups < rows ? (group + r * groups) * row_elements : 0;
    for (unsigned x = thread % span; x < width; x += span) {
      const auto& taps = memory_.columns[x];
      pixel<channels> sum[count]{};
      for (int k = 0; k < taps.count; ++k) {
        const auto tap = taps.tap(columns_, k);
        for (unsigned r = 0; r < count; ++r) {
          const Sample* at = first + (line[r] + tap.at * image_channels);
          sum[r] = each_channel(sum[r], [&](float total) {
            const float value = static_cast<float>(*at) - low;
            at += channel_step;
            return total + tap.weight * value;
          });
        }
      }
      for (unsigned r = 0; r < count; ++r)
        if (group + r * groups < rows)
          write(all, sum[r], memory_.lines + (group + r * groups) * channels * width + x);
    }
  }

  /// Adds these rows to those of the view that the thread's group has. `done` rows are complete.
  PRETEXT_HOST_DEVICE void add_rows(unsigned thread, std::int32_t begin, std::int32_t end,
                                    std::int32_t extent, unsigned& done) const {
    const sample_range bounds = bounds_of(image_.type, image_.range);
    const float scale = 1.f / (bounds.high - bounds.low);
    unsigned from = thread / span + done * groups;
    for (; from < height && memory_.rows[from].last_read(extent) < begin; from += groups) ++done;
    for (unsigned x = thread % span; x < width; x += span)
      for (unsigned y = from; y < height; y += groups) {
        const auto& taps = memory_.rows[y];
        const bool ends_here = taps.last_read(extent) < end;
        const std::int32_t first = taps.first_read() < extent ? taps.first_read() : extent - 1;
        if (first >= end) break;
        // Taps beyond the image read its first or last row.
        const int skipped = first < begin ? begin - taps.first : 0;
        const int stop = ends_here ? taps.count : end - taps.first;
        pixel<channels> sum = skipped > 0 ? canvas_.at(y * width + x) : pixel<channels>{};
        for (int k = skipped; k < stop; ++k) {
          const auto tap = taps.tap(rows_, k);
          const unsigned line = tap.at - static_cast<unsigned>(begin);
          const pixel<channels> values = read(all, memory_.lines + line * channels * width + x);
          sum =
              each_channel(sum, values, [&](float total, float value) { return total + tap.weight * value; });
        }
        canvas_.set(y * width + x, ends_here ? color::clipped(color::scaled(sum, scale)) : sum);
      }
  }

  static constexpr std::make_index_sequence<channels> all{};
  template <std::size_t... C>
  PRETEXT_HOST_DEVICE static void write(std::index_sequence<C...>, const pixel<channels>& p, float* to) {
    ((to[C * width] = channel_of<C>(p)), ...);
  }
  template <std::size_t... C>
  PRETEXT_HOST_DEVICE static pixel<channels> read(std::index_sequence<C...>, const float* from) {
    return {from[C * width]...};
  }

  Memory& memory_;
  const stored_image& image_;
  const resampling_map& map_;
  Canvas& canvas_;
  const axis_resampling rows_, columns_;
};

}  // namespace pretext::inline v0_1::grid
