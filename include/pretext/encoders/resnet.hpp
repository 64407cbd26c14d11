// SPDX-License-Identifier: MIT
#pragma once
// The stages are `sequential`s of residual blocks with torchvision's names, so that weights can be exchanged
// with PyTorch.
#include <array>
#include <cstddef>
#include <utility>

#include <pretext/layers/pooling.hpp>
#include <pretext/layers/residual_block.hpp>
#include <pretext/layers/sequential.hpp>

namespace pretext::inline v0_1 {

/// The first layers of a ResNet: a 7×7 convolution with stride 2 and a 3×3 max-pool with stride 2, or one 3×3
/// convolution for images of about 32 pixels (SimCLR B.9).
enum class stem { imagenet, cifar };

/// Two 3×3 convolutions (ResNet-18 and -34), the first one with the stride.
template <std::size_t Width, std::size_t Stride, initial_scale Last>
struct basic_block
    : residual_block<fused_convolution<"conv1", "bn1", convolution<Width, 3, Stride>>,
                     fused_convolution<"conv2", "bn2", convolution<Width, 3>, activation::relu, Last>,
                     Stride> {};

/// Convolutions 1×1, 3×3 with the stride (ResNet v1.5), and 1×1 to four times the width (ResNet-50 and
/// deeper).
template <std::size_t Width, std::size_t Stride, initial_scale Last>
struct bottleneck_block;

namespace detail {

/// The first two convolutions of a bottleneck.
template <std::size_t Width, std::size_t Stride>
struct bottleneck_convolutions {
  using first = fused_convolution<"conv1", "bn1", convolution<Width, 1>>;
  using second = fused_convolution<"conv2", "bn2", convolution<Width, 3, Stride>>;

  template <ImageShape In>
  using middle = output_of<first, In>;
  template <ImageShape In>
  using output = output_of<second, middle<In>>;

  template <ImageShape In>
  static consteval auto parameters() {
    return concatenate(parameters_of<first, In>, parameters_of<second, middle<In>>);
  }

  template <ImageShape In>
  static consteval std::size_t macs() {
    return pretext::macs<first, In> + pretext::macs<second, middle<In>>;
  }

  template <ImageShape In, class Context>
  struct cache {
    inner_activation<middle<In>, Context> between;
    cache_of<first, In, Context> first_cache;
    cache_of<second, middle<In>, Context> second_cache;
  };

  template <class Context, ImageShape In>
  static void forward(Context& context, weights<Context> w, reads<Context, In> x,
                      writes<Context, output<In>> y, cache<In, Context>& cache) {
    const arena_scope guard{context.workspace};
    const auto middle_y = cache.between.allocate(context, x.batch);
    first::forward(context, w, x, middle_y, cache.first_cache);
    second::forward(context, w.at(weight_count<first, In>), reads<Context, middle<In>>{middle_y}, y,
                    cache.second_cache);
  }

  template <class Context, ImageShape In>
  static void recompute(Context& context, const cache<In, Context>& cache, writes<Context, output<In>> y) {
    second::recompute(context, cache.second_cache, y);
  }

  template <class Context, ImageShape In>
  static void backward(Context& context, weights<Context> w, cache<In, Context>& cache,
                       reads<Context, output<In>> dy, writes<Context, In> dx,
                       kernels::write_mode mode = kernels::write_mode::overwrite) {
    const arena_scope guard{context.workspace};
    const auto dmiddle = cache.between.get(context, dy.batch, [&](const writes<Context, middle<In>>& y) {
      first::recompute(context, cache.first_cache, y);
      second::set_input(cache.second_cache, reads<Context, middle<In>>{y});
    });
    second::backward(context, w.at(weight_count<first, In>), cache.second_cache, dy, dmiddle);
    first::backward(context, w, cache.first_cache, reads<Context, middle<In>>{dmiddle}, dx, mode,
                    writes<Context, middle<In>>{});
  }

  template <class Context, ImageShape In>
  static void infer(Context& context, weights<Context> w, reads<Context, In> x,
                    writes<Context, output<In>> y) {
    const arena_scope guard{context.workspace};
    const auto middle_y =
        context.workspace.template allocate<typename Context::activation, middle<In>>(x.batch);
    first::infer(context, w, x, middle_y);
    second::infer(context, w.at(weight_count<first, In>), reads<Context, middle<In>>{middle_y}, y);
  }
};

/// `Count` blocks of one width, the first of them with the stride.
template <template <std::size_t, std::size_t, initial_scale> class Block, std::size_t Width,
          std::size_t Stride, initial_scale Last, class Index>
struct stage_of;
template <template <std::size_t, std::size_t, initial_scale> class Block, std::size_t Width,
          std::size_t Stride, initial_scale Last, std::size_t... Nth>
struct stage_of<Block, Width, Stride, Last, std::index_sequence<Nth...>>
    : sequential<Block<Width, Nth == 0 ? Stride : 1, Last>...> {};

template <template <std::size_t, std::size_t, initial_scale> class Block, std::size_t Width,
          std::size_t Stride, initial_scale Last, std::size_t Count>
struct stage : stage_of<Block, Width, Stride, Last, std::make_index_sequence<Count>> {};

template <stem Stem, std::size_t Width>
struct stem_convolution;
template <std::size_t Width>
struct stem_convolution<stem::cifar, Width> : fused_convolution<"conv1", "bn1", convolution<Width, 3>> {};
template <std::size_t Width>
struct stem_convolution<stem::imagenet, Width>
    : fused_convolution<"conv1", "bn1", convolution<Width, 7, 2, 3>> {};

}  // namespace detail

template <std::size_t Width, std::size_t Stride, initial_scale Last>
struct bottleneck_block
    : residual_block<detail::bottleneck_convolutions<Width, Stride>,
                     fused_convolution<"conv3", "bn3", convolution<4 * Width, 1>, activation::relu, Last>,
                     Stride> {};

/// The same with a 3×3 convolution of twice the width (Zagoruyko & Komodakis 2016, as in torchvision).
template <std::size_t Width, std::size_t Stride, initial_scale Last>
struct wide_bottleneck_block
    : residual_block<detail::bottleneck_convolutions<2 * Width, Stride>,
                     fused_convolution<"conv3", "bn3", convolution<4 * Width, 1>, activation::relu, Last>,
                     Stride> {};

/// Four stages of blocks of widths W, 2W, 4W, 8W, then the mean over all positions: images (H, W, 3) to the
/// feature h, (8W), or (32W) with bottlenecks. Parameter paths are torchvision's; the stem has depth 0, stage
/// i depth i. `Last` is the initial value of the last γ of each block (zero in the code of SimCLR and BYOL).
template <template <std::size_t, std::size_t, initial_scale> class Block, std::array<std::size_t, 4> Blocks,
          stem Stem, std::size_t Width, initial_scale Last>
struct resnet;

template <template <std::size_t, std::size_t, initial_scale> class Block, std::array<std::size_t, 4> Blocks,
          std::size_t Width, initial_scale Last>
struct resnet<Block, Blocks, stem::cifar, Width, Last>
    : sequential<named<"", at_depth<0, detail::stem_convolution<stem::cifar, Width>>>,
                 named<"layer1", at_depth<1, detail::stage<Block, Width, 1, Last, Blocks[0]>>>,
                 named<"layer2", at_depth<2, detail::stage<Block, 2 * Width, 2, Last, Blocks[1]>>>,
                 named<"layer3", at_depth<3, detail::stage<Block, 4 * Width, 2, Last, Blocks[2]>>>,
                 named<"layer4", at_depth<4, detail::stage<Block, 8 * Width, 2, Last, Blocks[3]>>>,
                 global_average_pool> {};

template <template <std::size_t, std::size_t, initial_scale> class Block, std::array<std::size_t, 4> Blocks,
          std::size_t Width, initial_scale Last>
struct resnet<Block, Blocks, stem::imagenet, Width, Last>
    : sequential<named<"", at_depth<0, detail::stem_convolution<stem::imagenet, Width>>>, max_pool<3, 2, 1>,
                 named<"layer1", at_depth<1, detail::stage<Block, Width, 1, Last, Blocks[0]>>>,
                 named<"layer2", at_depth<2, detail::stage<Block, 2 * Width, 2, Last, Blocks[1]>>>,
                 named<"layer3", at_depth<3, detail::stage<Block, 4 * Width, 2, Last, Blocks[2]>>>,
                 named<"layer4", at_depth<4, detail::stage<Block, 8 * Width, 2, Last, Blocks[3]>>>,
                 global_average_pool> {};

/// `resnet18<>` for 224-pixel images, `resnet18<stem::cifar>` for 32-pixel ones, `resnet18<stem::cifar, 16>`
/// with a quarter of the channels; `resnet50<stem::imagenet, 128>` is SimCLR's ResNet-50 (2×).
template <stem Stem = stem::imagenet, std::size_t Width = 64, initial_scale Last = initial_scale::zero>
struct resnet18 : resnet<basic_block, std::array<std::size_t, 4>{2, 2, 2, 2}, Stem, Width, Last> {};
/// ResNet-34: 3, 4, 6 and 3 basic blocks.
template <stem Stem = stem::imagenet, std::size_t Width = 64, initial_scale Last = initial_scale::zero>
struct resnet34 : resnet<basic_block, std::array<std::size_t, 4>{3, 4, 6, 3}, Stem, Width, Last> {};
/// ResNet-50: 3, 4, 6 and 3 bottleneck blocks.
template <stem Stem = stem::imagenet, std::size_t Width = 64, initial_scale Last = initial_scale::zero>
struct resnet50 : resnet<bottleneck_block, std::array<std::size_t, 4>{3, 4, 6, 3}, Stem, Width, Last> {};
/// ResNet-101: 3, 4, 23 and 3 bottleneck blocks.
template <stem Stem = stem::imagenet, std::size_t Width = 64, initial_scale Last = initial_scale::zero>
struct resnet101 : resnet<bottleneck_block, std::array<std::size_t, 4>{3, 4, 23, 3}, Stem, Width, Last> {};
/// ResNet-152: 3, 8, 36 and 3 bottleneck blocks.
template <stem Stem = stem::imagenet, std::size_t Width = 64, initial_scale Last = initial_scale::zero>
struct resnet152 : resnet<bottleneck_block, std::array<std::size_t, 4>{3, 8, 36, 3}, Stem, Width, Last> {};
/// torchvision's wide_resnet50_2: ResNet-50 with 3×3 convolutions of twice the width. SimCLR's ResNet-50 (2×)
/// is another network, `resnet50<stem::imagenet, 128>`.
template <stem Stem = stem::imagenet, std::size_t Width = 64, initial_scale Last = initial_scale::zero>
struct wide_resnet50
    : resnet<wide_bottleneck_block, std::array<std::size_t, 4>{3, 4, 6, 3}, Stem, Width, Last> {};

}  // namespace pretext::inline v0_1
