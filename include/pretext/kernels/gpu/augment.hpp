// SPDX-License-Identifier: MIT
#pragma once
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include <pretext/core/arena.hpp>
#include <pretext/core/detail/reused.hpp>
#include <pretext/core/device_scalar.hpp>
#include <pretext/core/image_layout.hpp>
#include <pretext/core/random.hpp>
#include <pretext/kernels/augment.hpp>
#include <pretext/kernels/gpu/augment/block_view.hpp>
#include <pretext/kernels/gpu/augment/resample.hpp>

namespace pretext::inline v0_1::grid {

/// The images of a batch as an array on the device.
struct image_array {
  const stored_image* list;
  PRETEXT_HOST_DEVICE const stored_image& operator[](std::size_t n) const { return list[n]; }
};

/// The inputs of a batch of views.
template <class Images>
struct view_batch {
  Images images;
  const std::uint64_t* samples;
  std::size_t count;
  std::uint64_t seed;
  device_scalar<std::uint32_t> epoch;
};

/// Creates all views of one kind: a block makes one view after another, from the stored image to the
/// network's input in one pass. Its random choices equal the CPU's, because they depend on the key alone.
template <class Augmentation, std::size_t H, std::size_t W, std::size_t Channels, class Images, class T>
struct make_views {
  static constexpr image_extent extent{H, W};
  static constexpr std::size_t plane_elements = 2 * Channels * H * W;
  static constexpr bool fits = plane_elements * sizeof(float) <= (std::size_t{64} << 10);
  /// A large view has many threads, because there are few blocks: three rows of 224 pixels or seven of 96.
  static constexpr unsigned threads = !fits && Channels <= 4 ? 672 : 256;
  using memory_type = view_memory<Channels, H, W, threads>;
  struct shared {
    typename Augmentation::choices choices;
    resampling_map map;
    memory_type work;
    float planes[fits ? plane_elements : 1];
  };
  Augmentation pipeline;
  view_batch<Images> batch;
  std::uint32_t view;
  T* out;         ///< (count, H, W, Channels)
  float* planes;  ///< per block, if they do not fit into shared memory

  template <class Block>
  PRETEXT_HOST_DEVICE void operator()(Block& block) const {
    auto& memory = block.shared();
    float* const view_planes = fits ? memory.planes : planes + block.index() * plane_elements;
    for (std::size_t n = block.index(); n < batch.count; n += block.count()) {
      const stored_image image = batch.images[n];
      block.for_each_thread([&](unsigned thread) {
        if (thread != 0) return;
        const random_key key{batch.seed, batch.epoch, batch.samples[n], view};
        const image_extent size{image.height, image.width};
        memory.choices = pipeline.choose(key, size, extent);
        memory.map = pipeline.map_to_source(memory.choices, size, extent);
      });
      block_view<Block, memory_type> canvas{block, memory.work, view_planes};
      view_resampling{block, memory.work, image, memory.map, canvas};
      pipeline.apply(memory.choices, canvas);
      T* const to = out + n * H * W * Channels;
      canvas.for_each_pixel([&](unsigned i) {
        write(canvas.at(i), to + std::size_t{Channels} * i, std::make_index_sequence<Channels>{});
      });
    }
  }

 private:
  template <std::size_t... C>
  PRETEXT_HOST_DEVICE static void write(const pixel<Channels>& p, T* to, std::index_sequence<C...>) {
    ((to[C] = static_cast<T>(channel_of<C>(p))), ...);
  }
};

/// A batch's images packed contiguously, so that one copy uploads them. The host buffers are reused.
class packed_images {
 public:
  template <class Context, class Images>
  image_array upload(Context& context, const Images& images) {
    using device = typename Context::device;
    bytes_.clear();
    descriptors_.clear();
    std::size_t total = 0;
    for (std::size_t i = 0; i < images.size(); ++i) total += aligned(bytes_of(images[i]));
    auto* const on_device =
        reinterpret_cast<std::uint8_t*>(context.workspace.template allocate<float>(total / sizeof(float)));
    auto* const list = context.workspace.template allocate<stored_image>(images.size());
    bytes_.reserve(total);
    for (std::size_t i = 0; i < images.size(); ++i) {
      const auto& image = images[i];
      const auto [type, range] = samples_of(image);
      descriptors_.push_back(
          {on_device + bytes_.size(), image.height, image.width, image.channels, type, range});
      append(image);
    }
    device::write(context.stream, on_device, bytes_.data(), bytes_.size());
    device::write(context.stream, list, descriptors_.data(), descriptors_.size());
    return {list};
  }

 private:
  template <class Image>
  static std::size_t bytes_of(const Image& image) {
    return image.height * image.width * image.channels * size_of(samples_of(image).type);
  }
  /// Each image starts at a multiple of the largest sample.
  static std::size_t aligned(std::size_t bytes) {
    return (bytes + sizeof(float) - 1) / sizeof(float) * sizeof(float);
  }

  template <class Image>
  void append(const Image& image) {
    using value = std::remove_cvref_t<decltype(pixels_of(image)[0])>;
    const value* const from = pixels_of(image);
    if constexpr (StridedImage<Image>) {
      bytes_.resize(bytes_.size() + bytes_of(image));
      copy_samples(image, bytes_.data() + bytes_.size() - bytes_of(image));
    } else if constexpr (std::is_integral_v<value> || std::same_as<value, float>) {
      const auto* const bytes = reinterpret_cast<const std::uint8_t*>(from);
      bytes_.insert(bytes_.end(), bytes, bytes + bytes_of(image));
    } else {
      for (std::size_t i = 0; i < image.height * image.width * image.channels; ++i) {
        const float sample = static_cast<float>(from[i]);
        const auto* const bytes = reinterpret_cast<const std::uint8_t*>(&sample);
        bytes_.insert(bytes_.end(), bytes, bytes + sizeof sample);
      }
    }
    bytes_.resize(aligned(bytes_.size()));
  }

  std::vector<std::uint8_t> bytes_;
  std::vector<stored_image> descriptors_;
};

}  // namespace pretext::inline v0_1::grid

namespace pretext::inline v0_1::kernels {

/// One block of threads per view. Images come from the host, packed into one upload, or are already in
/// device memory.
template <Accelerator Device>
struct augment<Device> {
  template <class Context, class Views, class Images, std::size_t H, std::size_t W, std::size_t Channels>
  static void run(Context& context, const Views& views, const Images& images,
                  std::span<const std::uint64_t> samples, std::uint64_t seed, std::uint32_t epoch,
                  tensor_view<typename Context::activation, shape<H, W, Channels>> out) {
    if (images.size() == 0) return;
    const arena_scope guard{context.workspace};
    const auto list = pretext::detail::reused<grid::packed_images> {
      } -> upload(context, images);
    auto* const keys = context.workspace.template allocate<std::uint64_t>(samples.size());
    Device::write(context.stream, keys, samples.data(), samples.size());
    make(context, views, grid::view_batch<grid::image_array>{list, keys, images.size(), seed, epoch}, out);
  }

  template <class Context, class Views, class T, std::size_t H, std::size_t W, std::size_t Channels>
  static void run(Context& context, const Views& views, const indexed_images& images, std::uint64_t seed,
                  device_scalar<std::uint32_t> epoch, tensor_view<T, shape<H, W, Channels>> out) {
    if (images.count > 0)
      make(context, views,
           grid::view_batch<indexed_images>{images, images.samples, images.count, seed, epoch}, out);
  }

 private:
  /// One launch per kind of view.
  template <class Context, class Views, class Images, class T, std::size_t H, std::size_t W,
            std::size_t Channels>
  static void make(Context& context, const Views& views, const grid::view_batch<Images>& batch,
                   tensor_view<T, shape<H, W, Channels>> out) {
    const auto launch_view = [&](const auto& pipeline, std::uint32_t v) {
      using kernel = grid::make_views<std::remove_cvref_t<decltype(pipeline)>, H, W, Channels, Images, T>;
      const std::size_t blocks = kernel::fits ? batch.count : grid::smaller(batch.count, 264);
      const arena_scope planes_guard{context.workspace};
      float* const planes = kernel::fits
                                ? nullptr
                                : context.workspace.template allocate<float>(blocks * kernel::plane_elements);
      launch(context.stream, blocks,
             kernel{pipeline, batch, detail::first_view<Views> + v,
                    out.part(v * batch.count, batch.count).data, planes});
    };
    [&]<std::uint32_t... V>(std::integer_sequence<std::uint32_t, V...>) {
      (launch_view(views.template view<V>(), V), ...);
    }
    (std::make_integer_sequence<std::uint32_t, Views::views>{});
  }
};

}  // namespace pretext::inline v0_1::kernels
