#pragma once
// pretext on the CPU.
#include <pretext/devices/cpu.hpp>
#include <pretext/kernels/cpu/attention.hpp>
#include <pretext/kernels/cpu/augment.hpp>
#include <pretext/kernels/cpu/batch_norm.hpp>
#include <pretext/kernels/cpu/convolution.hpp>
#include <pretext/kernels/cpu/drop_path.hpp>
#include <pretext/kernels/cpu/elementwise.hpp>
#include <pretext/kernels/cpu/gelu.hpp>
#include <pretext/kernels/cpu/gemm.hpp>
#include <pretext/kernels/cpu/layer_norm.hpp>
#include <pretext/kernels/cpu/nt_xent.hpp>
#include <pretext/kernels/cpu/optimize.hpp>
#include <pretext/kernels/cpu/pooling.hpp>
#include <pretext/kernels/cpu/residual.hpp>
#include <pretext/pretext.hpp>
