// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <vector>

#include <pretext/core/context.hpp>
#include <pretext/devices/cpu.hpp>
#include <pretext/layers/check_gradient.hpp>
#include <pretext/losses/concepts.hpp>

namespace pretext::inline v0_1 {

/// Checks the gradient of a JointLoss for embeddings (batch, D), `batch` even, and that it is added to what
/// is there.
template <std::size_t D, JointLoss Loss>
gradient_check_result check_loss(const Loss& loss, const gradient_check_options& how = {}) {
  using Context = on<cpu, fp64>;
  Context context{.stream = cpu::stream{how.threads}};
  auto z = detail::normal_values(how.batch * D, how.seed);
  const auto run = [&](std::vector<double>& gradient) -> double {
    return loss(context, reads<Context, shape<D>>{z.data(), how.batch},
                writes<Context, shape<D>>{gradient.data(), how.batch});
  };
  std::vector<double> gradient(z.size(), .25), ignored(z.size());
  run(gradient);
  for (double& value : gradient) value -= .25;
  return check_gradient(
      z, gradient, [&] { return run(ignored); }, how);
}

/// Checks the gradient of a PredictiveLoss for predictions (batch, D), in the same way.
template <std::size_t D, PredictiveLoss Loss>
gradient_check_result check_loss(const Loss& loss, const gradient_check_options& how = {}) {
  using Context = on<cpu, fp64>;
  Context context{.stream = cpu::stream{how.threads}};
  auto p = detail::normal_values(how.batch * D, how.seed);
  const auto target = detail::normal_values(how.batch * D, how.seed + 1);
  const auto run = [&](std::vector<double>& gradient) -> double {
    return loss(context, reads<Context, shape<D>>{p.data(), how.batch},
                reads<Context, shape<D>>{target.data(), how.batch},
                writes<Context, shape<D>>{gradient.data(), how.batch});
  };
  std::vector<double> gradient(p.size(), .25), ignored(p.size());
  run(gradient);
  for (double& value : gradient) value -= .25;
  return check_gradient(
      p, gradient, [&] { return run(ignored); }, how);
}

}  // namespace pretext::inline v0_1
