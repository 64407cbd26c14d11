#pragma once
#include <doctest/doctest.h>

#include <cstddef>
#include <vector>

#include <pretext/core/concepts.hpp>
#include <pretext/devices/cpu.hpp>
#include <pretext/kernels/cpu/attention.hpp>
#include <pretext/kernels/cpu/batch_norm.hpp>
#include <pretext/kernels/cpu/convolution.hpp>
#include <pretext/kernels/cpu/depthwise_convolution.hpp>
#include <pretext/kernels/cpu/drop_path.hpp>
#include <pretext/kernels/cpu/elementwise.hpp>
#include <pretext/kernels/cpu/for_each_row.hpp>
#include <pretext/kernels/cpu/gelu.hpp>
#include <pretext/kernels/cpu/gemm.hpp>
#include <pretext/kernels/cpu/layer_norm.hpp>
#include <pretext/kernels/cpu/layer_scale.hpp>
#include <pretext/kernels/cpu/linear.hpp>
#include <pretext/kernels/cpu/patches.hpp>
#include <pretext/kernels/cpu/pooling.hpp>
#include <pretext/kernels/cpu/tokens.hpp>
#include <pretext/layers/check_gradient.hpp>

namespace pretext::tests {

/// Normally distributed values, the same in every run.
inline std::vector<double> normal_numbers(std::size_t count, unsigned seed, double mean = 0,
                                          double deviation = 1) {
  return pretext::detail::normal_values(count, seed, mean, deviation);
}

using pretext::detail::plausible_weights;

/// The gradients of a layer, of its input and of its parameters, match central differences (`check_layer`).
/// `groups` is the number of batch norm's groups; `prepare` may set members of the context.
template <class L, class In, class Prepare = void (*)(on<cpu, fp64>&)>
void gradients_match_finite_differences(
    std::size_t batch, double tolerance = 1e-6, std::size_t groups = 1, std::size_t threads = 2,
    Prepare prepare = [](on<cpu, fp64>&) {}) {
  const gradient_check_options how{.batch = batch, .batch_norm_groups = groups, .threads = threads};
  const auto found = check_layer<L, In>(how, prepare);
  CHECK_MESSAGE(found.error < tolerance, found.text());
}

}  // namespace pretext::tests
