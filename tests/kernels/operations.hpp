#pragma once
#include <pretext/core/context.hpp>
#include <pretext/kernels/complete.hpp>

namespace pretext::tests {

/// Compiles only if the context's device implements every operation in the context's numerics. One assertion
/// each, so that the compiler names the operation that is incomplete and the function that it lacks.
template <class Context>
constexpr bool implements_every_operation() {
  static_assert(kernels::AttentionKernel<Context>);
  static_assert(kernels::AugmentKernel<Context>);
  static_assert(kernels::MixingKernel<Context>);
  static_assert(kernels::BatchNormKernel<Context>);
  static_assert(!kernels::stores_signs<kernels::device_of<Context>> ||
                kernels::BatchNormSignsKernel<Context>);
  static_assert(kernels::ConvolutionKernel<Context>);
  static_assert(kernels::CosineRegressionKernel<Context>);
  static_assert(kernels::CrossEntropyKernel<Context>);
  static_assert(kernels::DepthwiseConvolutionKernel<Context>);
  static_assert(kernels::DropPathKernel<Context>);
  static_assert(kernels::ReluKernel<Context>);
  static_assert(kernels::ElementwiseKernel<Context>);
  static_assert(kernels::ChannelBiasKernel<Context>);
  static_assert(kernels::ForEachRowKernel<Context>);
  static_assert(kernels::SumOfPartsKernel<Context>);
  static_assert(kernels::GeluKernel<Context>);
  static_assert(kernels::GemmKernel<Context>);
  static_assert(kernels::LayerNormKernel<Context>);
  static_assert(kernels::LayerScaleKernel<Context>);
  static_assert(kernels::LinearKernel<Context>);
  static_assert(kernels::MaskedPixelsKernel<Context>);
  static_assert(kernels::UniformNoiseKernel<Context>);
  static_assert(kernels::OrderByNoiseKernel<Context>);
  static_assert(kernels::EnlargeGridKernel<Context>);
  static_assert(kernels::NtXentKernel<Context>);
  static_assert(kernels::OptimizeKernel<Context>);
  static_assert(kernels::ParallelForKernel<Context>);
  static_assert(kernels::PatchesKernel<Context>);
  static_assert(kernels::AveragePoolKernel<Context>);
  static_assert(kernels::MaxPoolKernel<Context>);
  static_assert(kernels::GatherTokensKernel<Context>);
  static_assert(kernels::ScatterTokensKernel<Context>);
  static_assert(kernels::PrependTokensKernel<Context>);
  static_assert(kernels::TokenMeanKernel<Context>);
  static_assert(kernels::Complete<typename Context::device, typename Context::numerics>);
  return true;
}

/// The same in every numerics.
template <class Device>
constexpr bool implements_every_numerics() {
  return implements_every_operation<on<Device, fp32>>() && implements_every_operation<on<Device, fp64>>() &&
         implements_every_operation<on<Device, bf16>>() && implements_every_operation<on<Device, tf32>>();
}

}  // namespace pretext::tests
