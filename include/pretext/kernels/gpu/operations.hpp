// SPDX-License-Identifier: MIT
#pragma once
// All operations of kernels/ for accelerators. They run on any device that provides `launch`:
// kernels/gpu/block/launch.cuh for a GPU.
#include <pretext/kernels/gpu/attention.hpp>
#include <pretext/kernels/gpu/augment.hpp>
#include <pretext/kernels/gpu/batch_mix.hpp>
#include <pretext/kernels/gpu/batch_norm.hpp>
#include <pretext/kernels/gpu/convolution.hpp>
#include <pretext/kernels/gpu/cosine_regression.hpp>
#include <pretext/kernels/gpu/cross_entropy.hpp>
#include <pretext/kernels/gpu/depthwise_convolution.hpp>
#include <pretext/kernels/gpu/drop_path.hpp>
#include <pretext/kernels/gpu/elementwise.hpp>
#include <pretext/kernels/gpu/for_each_row.hpp>
#include <pretext/kernels/gpu/gelu.hpp>
#include <pretext/kernels/gpu/gemm.hpp>
#include <pretext/kernels/gpu/layer_norm.hpp>
#include <pretext/kernels/gpu/layer_scale.hpp>
#include <pretext/kernels/gpu/linear.hpp>
#include <pretext/kernels/gpu/masked_pixels.hpp>
#include <pretext/kernels/gpu/masking.hpp>
#include <pretext/kernels/gpu/nt_xent.hpp>
#include <pretext/kernels/gpu/optimize.hpp>
#include <pretext/kernels/gpu/parallel_for.hpp>
#include <pretext/kernels/gpu/patches.hpp>
#include <pretext/kernels/gpu/pooling.hpp>
#include <pretext/kernels/gpu/shuffled_tokens.hpp>
#include <pretext/kernels/gpu/tokens.hpp>
