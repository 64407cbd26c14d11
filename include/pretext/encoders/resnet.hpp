#pragma once
#include <array>
#include <cstddef>
#include <utility>

#include <pretext/layers/pooling.hpp>
#include <pretext/layers/residual_block.hpp>
#include <pretext/layers/sequential.hpp>

namespace pretext {

/// How a ResNet enters: 7×7 stride 2 and a 3×3 stride-2 max-pool, or one 3×3 for images of about 32 pixels
/// (SimCLR B.9).
enum class stem { imagenet, cifar };

/// Two 3×3 convolutions (ResNet-18 and -34).
template <std::size_t Width, std::size_t Stride, initial_scale Last>
struct basic_block
    : residual_block<fused_convolution<"conv1", "bn1", convolution<Width, 3, Stride>>,
                     fused_convolution<"conv2", "bn2", convolution<Width, 3>, activation::relu, Last>,
                     Stride> {};

/// 1×1, 3×3 with the stride (v1.5), 1×1 to four times the width (ResNet-50 and deeper).
template <std::size_t Width, std::size_t Stride, initial_scale Last>
struct bottleneck_block;

namespace detail {

/// The first two convolutions of a bottleneck, named as torchvision names them.
template <std::size_t Width, std::size_t Stride>
struct bottleneck_entry {
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
    cache_of<first, In, Context> one;
    cache_of<second, middle<In>, Context> two;
  };

  template <class Context, ImageShape In>
  static void forward(Context& context, weights<Context> w, reads<Context, In> x,
                      writes<Context, output<In>> y, cache<In, Context>& cache) {
    const arena_scope guard{context.workspace};
    const auto inside =
        context.workspace.template allocate<typename Context::activation, middle<In>>(x.batch);
    first::forward(context, w, x, inside, cache.one);
    second::forward(context, w.at(weight_count<first, In>), reads<Context, middle<In>>{inside}, y, cache.two);
  }

  template <class Context, ImageShape In>
  static void again(Context& context, weights<Context> w, const cache<In, Context>& cache,
                    writes<Context, output<In>> y) {
    second::again(context, w.at(weight_count<first, In>), cache.two, y);
  }

  template <class Context, ImageShape In>
  static void backward(Context& context, weights<Context> w, cache<In, Context>& cache,
                       reads<Context, output<In>> dy, writes<Context, In> dx,
                       kernels::write_mode mode = kernels::write_mode::overwrite) {
    const arena_scope guard{context.workspace};
    const auto inside =
        context.workspace.template allocate<typename Context::activation, middle<In>>(dy.batch);
    first::again(context, w, cache.one, inside);
    second::input_is(cache.two, reads<Context, middle<In>>{inside});
    second::backward(context, w.at(weight_count<first, In>), cache.two, dy, inside);
    first::backward(context, w, cache.one, reads<Context, middle<In>>{inside}, dx, mode,
                    writes<Context, middle<In>>{});
  }

  template <class Context, ImageShape In>
  static void infer(Context& context, weights<Context> w, reads<Context, In> x,
                    writes<Context, output<In>> y) {
    const arena_scope guard{context.workspace};
    const auto inside =
        context.workspace.template allocate<typename Context::activation, middle<In>>(x.batch);
    first::infer(context, w, x, inside);
    second::infer(context, w.at(weight_count<first, In>), reads<Context, middle<In>>{inside}, y);
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
struct entry;
template <std::size_t Width>
struct entry<stem::cifar, Width> : fused_convolution<"conv1", "bn1", convolution<Width, 3>> {};
template <std::size_t Width>
struct entry<stem::imagenet, Width> : fused_convolution<"conv1", "bn1", convolution<Width, 7, 2, 3>> {};

}  // namespace detail

template <std::size_t Width, std::size_t Stride, initial_scale Last>
struct bottleneck_block
    : residual_block<detail::bottleneck_entry<Width, Stride>,
                     fused_convolution<"conv3", "bn3", convolution<4 * Width, 1>, activation::relu, Last>,
                     Stride> {};

/// Four stages of blocks, widths W, 2W, 4W, 8W, then the mean over all places: (H, W, 3) to the feature h.
/// Parameter paths are torchvision's. `Last` is where the last γ of each block starts (zero in SimCLR and
/// BYOL's code).
template <template <std::size_t, std::size_t, initial_scale> class Block, std::array<std::size_t, 4> Blocks,
          stem Stem, std::size_t Width, initial_scale Last>
struct resnet;

template <template <std::size_t, std::size_t, initial_scale> class Block, std::array<std::size_t, 4> Blocks,
          std::size_t Width, initial_scale Last>
struct resnet<Block, Blocks, stem::cifar, Width, Last>
    : sequential<named<"", detail::entry<stem::cifar, Width>>,
                 named<"layer1", detail::stage<Block, Width, 1, Last, Blocks[0]>>,
                 named<"layer2", detail::stage<Block, 2 * Width, 2, Last, Blocks[1]>>,
                 named<"layer3", detail::stage<Block, 4 * Width, 2, Last, Blocks[2]>>,
                 named<"layer4", detail::stage<Block, 8 * Width, 2, Last, Blocks[3]>>, global_average_pool> {
};

template <template <std::size_t, std::size_t, initial_scale> class Block, std::array<std::size_t, 4> Blocks,
          std::size_t Width, initial_scale Last>
struct resnet<Block, Blocks, stem::imagenet, Width, Last>
    : sequential<named<"", detail::entry<stem::imagenet, Width>>, max_pool<3, 2, 1>,
                 named<"layer1", detail::stage<Block, Width, 1, Last, Blocks[0]>>,
                 named<"layer2", detail::stage<Block, 2 * Width, 2, Last, Blocks[1]>>,
                 named<"layer3", detail::stage<Block, 4 * Width, 2, Last, Blocks[2]>>,
                 named<"layer4", detail::stage<Block, 8 * Width, 2, Last, Blocks[3]>>, global_average_pool> {
};

/// `resnet18<>` for 224-pixel images, `resnet18<stem::cifar>` for 32-pixel ones, `resnet18<stem::cifar, 16>`
/// a thin one; `resnet50<stem::imagenet, 128>` is SimCLR's ResNet-50 (2×).
template <stem Stem = stem::imagenet, std::size_t Width = 64, initial_scale Last = initial_scale::zero>
struct resnet18 : resnet<basic_block, std::array<std::size_t, 4>{2, 2, 2, 2}, Stem, Width, Last> {};
template <stem Stem = stem::imagenet, std::size_t Width = 64, initial_scale Last = initial_scale::zero>
struct resnet34 : resnet<basic_block, std::array<std::size_t, 4>{3, 4, 6, 3}, Stem, Width, Last> {};
template <stem Stem = stem::imagenet, std::size_t Width = 64, initial_scale Last = initial_scale::zero>
struct resnet50 : resnet<bottleneck_block, std::array<std::size_t, 4>{3, 4, 6, 3}, Stem, Width, Last> {};
template <stem Stem = stem::imagenet, std::size_t Width = 64, initial_scale Last = initial_scale::zero>
struct resnet101 : resnet<bottleneck_block, std::array<std::size_t, 4>{3, 4, 23, 3}, Stem, Width, Last> {};

}  // namespace pretext
