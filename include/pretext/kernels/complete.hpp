// SPDX-License-Identifier: MIT
#pragma once
#include <pretext/core/context.hpp>
#include <pretext/kernels/attention.hpp>
#include <pretext/kernels/augment.hpp>
#include <pretext/kernels/batch_mix.hpp>
#include <pretext/kernels/batch_norm.hpp>
#include <pretext/kernels/convolution.hpp>
#include <pretext/kernels/cosine_regression.hpp>
#include <pretext/kernels/cross_entropy.hpp>
#include <pretext/kernels/depthwise_convolution.hpp>
#include <pretext/kernels/drop_path.hpp>
#include <pretext/kernels/elementwise.hpp>
#include <pretext/kernels/for_each_row.hpp>
#include <pretext/kernels/gelu.hpp>
#include <pretext/kernels/gemm.hpp>
#include <pretext/kernels/layer_norm.hpp>
#include <pretext/kernels/layer_scale.hpp>
#include <pretext/kernels/linear.hpp>
#include <pretext/kernels/masked_pixels.hpp>
#include <pretext/kernels/masking.hpp>
#include <pretext/kernels/nt_xent.hpp>
#include <pretext/kernels/optimize.hpp>
#include <pretext/kernels/parallel_for.hpp>
#include <pretext/kernels/patches.hpp>
#include <pretext/kernels/pooling.hpp>
#include <pretext/kernels/shuffled_tokens.hpp>
#include <pretext/kernels/tokens.hpp>

namespace pretext::inline v0_1::kernels {

namespace detail {
template <class Context>
concept MomentsIfComputed = !computes_moments<device_of<Context>> ||
                            (ConvolutionMomentsKernel<Context> && BatchNormMomentsKernel<Context>);
template <class Context>
concept SumsIfComputed =
    !sums_results<device_of<Context>> || (ConvolutionSumsKernel<Context> && BatchNormSumsKernel<Context>);
template <class Context>
concept SignsIfStored = !stores_signs<device_of<Context>> || BatchNormSignsKernel<Context>;
template <class Context>
concept EpilogueIfApplied = !applies_epilogue<device_of<Context>> || ConvolutionEpilogueKernel<Context>;
}  // namespace detail

/// Whether a device implements every operation in the given numerics. The list is that of kernels/kernel.hpp.
template <class Device, class Numerics = typename on<Device>::numerics>
concept Complete = AttentionKernel<on<Device, Numerics>> && AugmentKernel<on<Device, Numerics>> &&
    MixingKernel<on<Device, Numerics>> && BatchNormKernel<on<Device, Numerics>> &&
    ConvolutionKernel<on<Device, Numerics>> && CosineRegressionKernel<on<Device, Numerics>> &&
    CrossEntropyKernel<on<Device, Numerics>> && DepthwiseConvolutionKernel<on<Device, Numerics>> &&
    DropPathKernel<on<Device, Numerics>> && ReluKernel<on<Device, Numerics>> &&
    ElementwiseKernel<on<Device, Numerics>> && ChannelBiasKernel<on<Device, Numerics>> &&
    ForEachRowKernel<on<Device, Numerics>> && SumOfPartsKernel<on<Device, Numerics>> &&
    GeluKernel<on<Device, Numerics>> && GemmKernel<on<Device, Numerics>> &&
    LayerNormKernel<on<Device, Numerics>> && LayerScaleKernel<on<Device, Numerics>> &&
    LinearKernel<on<Device, Numerics>> && MaskedPixelsKernel<on<Device, Numerics>> &&
    UniformNoiseKernel<on<Device, Numerics>> && OrderByNoiseKernel<on<Device, Numerics>> &&
    EnlargeGridKernel<on<Device, Numerics>> && NtXentKernel<on<Device, Numerics>> &&
    OptimizeKernel<on<Device, Numerics>> && ParallelForKernel<on<Device, Numerics>> &&
    PatchesKernel<on<Device, Numerics>> && AveragePoolKernel<on<Device, Numerics>> &&
    MaxPoolKernel<on<Device, Numerics>> && GatherTokensKernel<on<Device, Numerics>> &&
    ScatterTokensKernel<on<Device, Numerics>> && PrependTokensKernel<on<Device, Numerics>> &&
    TokenMeanKernel<on<Device, Numerics>> && detail::MomentsIfComputed<on<Device, Numerics>> &&
    detail::SumsIfComputed<on<Device, Numerics>> && detail::SignsIfStored<on<Device, Numerics>> &&
    detail::EpilogueIfApplied<on<Device, Numerics>>;

}  // namespace pretext::inline v0_1::kernels
