// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include <pretext/core/detail/reused.hpp>
#include <pretext/core/device_scalar.hpp>
#include <pretext/core/random.hpp>
#include <pretext/core/tensor.hpp>
#include <pretext/devices/cpu.hpp>
#include <pretext/kernels/augment.hpp>
#include <pretext/kernels/cpu/augment/resample.hpp>
#include <pretext/kernels/cpu/simd/isa.hpp>

namespace pretext::inline v0_1::kernels {

/// The memory for one view; it grows with the first views and is then reused.
class view_workspace {
 public:
  template <std::size_t Channels>
  basic_planar_view<Channels> planes_for(image_extent view) {
    // 16 more elements per plane, so that the planes do not map to the same cache sets.
    const std::size_t plane = view.height * view.width + 16;
    const std::size_t spare = basic_planar_view<Channels>::spare_size(view, filter_taps::largest_radius);
    if (memory_.size() < Channels * plane + spare) memory_ = buffer<float, cpu>{Channels * plane + spare};
    basic_planar_view<Channels> planes{view, {}, memory_.data() + Channels * plane};
    for (std::size_t c = 0; c < Channels; ++c) planes.plane[c] = memory_.data() + c * plane;
    return planes;
  }
  resample_workspace taps;

 private:
  buffer<float, cpu> memory_;
};

/// A thread renders all views of a few images: one pass resamples the image into planes, which stay in the
/// cache while the other operations change them, and the last pass interleaves them.
template <>
struct augment<cpu> {
  /// Renders one view, whose choices are already drawn, to out (height, width, Channels).
  template <std::size_t Channels = 3, class Augmentation, ImageSource Image, class T>
  static void render(const Augmentation& pipeline, const typename Augmentation::choices& choices,
                     const Image& image, image_extent extent, T* out) {
    const pretext::detail::reused<view_workspace> own;
    view_workspace& workspace = *own;
    const basic_planar_view<Channels> view = workspace.planes_for<Channels>(extent);
    vectorised([&] {
      resample(image, pipeline.map_to_source(choices, {image.height, image.width}, extent), view,
               workspace.taps);
      pipeline.apply(choices, view);
      interleave(view, out, std::make_index_sequence<Channels>{});
    });
  }

  template <class Context, class Views, class Images, std::size_t H, std::size_t W, std::size_t Channels>
  static void run(Context& context, const Views& views, const Images& images,
                  std::span<const std::uint64_t> samples, std::uint64_t seed, std::uint32_t epoch,
                  tensor_view<typename Context::activation, shape<H, W, Channels>> out) {
    constexpr image_extent extent{H, W};
    constexpr std::size_t images_per_run = 4;
    const auto make_view = [&](std::size_t i, const auto& pipeline, std::uint32_t v) {
      const auto& image = images[i];
      const random_key key{seed, epoch, samples[i], detail::first_view<Views> + v};
      render<Channels>(pipeline, pipeline.choose(key, {image.height, image.width}, extent), image, extent,
                       out.part(v * images.size() + i, 1).data);
    };
    const auto make_views = [&]<std::uint32_t... V>(std::size_t i,
                                                    std::integer_sequence<std::uint32_t, V...>) {
      (make_view(i, views.template view<V>(), V), ...);
    };
    context.stream.for_each_run(images.size(), images_per_run, [&](std::size_t begin, std::size_t end) {
      for (std::size_t i = begin; i < end; ++i)
        make_views(i, std::make_integer_sequence<std::uint32_t, Views::views>{});
    });
  }

  template <class Context, class Views, class T, Shape S>
  static void run(Context& context, const Views& views, const indexed_images& images, std::uint64_t seed,
                  device_scalar<std::uint32_t> epoch, tensor_view<T, S> out) {
    run(context, views, images, std::span{images.samples, images.count}, seed, epoch, out);
  }

 private:
  template <std::size_t Channels, class T, std::size_t... C>
  [[gnu::noinline]] static void interleave(const basic_planar_view<Channels>& view, T* out,
                                           std::index_sequence<C...>) {
    vectorised([&] {
      T* __restrict const to = out;
      for (std::size_t i = 0, n = view.size(); i < n; ++i)
        ((to[Channels * i + C] = static_cast<T>(view.plane[C][i])), ...);
    });
  }
};

}  // namespace pretext::inline v0_1::kernels
