// SPDX-License-Identifier: MIT
#pragma once
// pretext on the CPU.
#include <pretext/devices/cpu.hpp>
#include <pretext/kernels/cpu/attention.hpp>
#include <pretext/kernels/cpu/augment.hpp>
#include <pretext/kernels/cpu/batch_mix.hpp>
#include <pretext/kernels/cpu/batch_norm.hpp>
#include <pretext/kernels/cpu/convolution.hpp>
#include <pretext/kernels/cpu/cosine_regression.hpp>
#include <pretext/kernels/cpu/cross_entropy.hpp>
#include <pretext/kernels/cpu/drop_path.hpp>
#include <pretext/kernels/cpu/elementwise.hpp>
#include <pretext/kernels/cpu/for_each_row.hpp>
#include <pretext/kernels/cpu/gelu.hpp>
#include <pretext/kernels/cpu/gemm.hpp>
#include <pretext/kernels/cpu/layer_norm.hpp>
#include <pretext/kernels/cpu/linear.hpp>
#include <pretext/kernels/cpu/masked_pixels.hpp>
#include <pretext/kernels/cpu/masking.hpp>
#include <pretext/kernels/cpu/nt_xent.hpp>
#include <pretext/kernels/cpu/optimize.hpp>
#include <pretext/kernels/cpu/parallel_for.hpp>
#include <pretext/kernels/cpu/patches.hpp>
#include <pretext/kernels/cpu/pooling.hpp>
#include <pretext/kernels/cpu/shuffled_tokens.hpp>
#include <pretext/kernels/cpu/tokens.hpp>
#include <pretext/pretext.hpp>
