// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include <pretext/core/context.hpp>
#include <pretext/devices/cpu.hpp>
#include <pretext/layers/check_gradient.hpp>
#include <pretext/losses/call_loss.hpp>
#include <pretext/losses/concepts.hpp>
#include <pretext/losses/loss_batch.hpp>

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

/// What a BatchLoss is checked with.
struct loss_check_batch {
  std::size_t views = 2, target_views = 2, first_target_view = 0;
  std::vector<std::int64_t> labels{};  ///< empty: unknown
  loss_values values{};
};

/// Checks the gradient of a BatchLoss for predictions (how.batch, P) with embeddings of the target of width
/// E, in the same way. A predictor of the embeddings is a fixed linear function.
template <std::size_t P, std::size_t E = P, BatchLoss Loss>
gradient_check_result check_loss(const Loss& loss, const loss_check_batch& of,
                                 const gradient_check_options& how = {}) {
  using Context = on<cpu, fp64>;
  Context context{.stream = cpu::stream{how.threads}};
  const std::size_t images = how.batch / of.views, target_rows = images * of.target_views;
  expects(images * of.views == how.batch && (of.labels.empty() || of.labels.size() == images),
          "check_loss: ", how.batch, " rows and ", of.labels.size(), " labels are not ", of.views,
          " views of the same images");
  auto p = detail::normal_values(how.batch * P, how.seed);
  const auto target = detail::normal_values(target_rows * E, how.seed + 1);
  const auto w = detail::normal_values(P * E, how.seed + 2);
  std::vector<double> gradient(p.size(), .25), ignored(p.size());

  loss_batch<Context, shape<P>, shape<E>> batch;
  batch.images = images;
  batch.views = of.views;
  batch.target_views = of.target_views;
  batch.first_target_view = of.first_target_view;
  batch.p = {p.data(), how.batch};
  batch.target = {target.data(), target_rows};
  batch.labels = of.labels.empty() ? nullptr : of.labels.data();
  batch.values = of.values;
  batch.predictor = &w;
  batch.run_predictor = [](const void* weights, Context&, reads<Context, shape<E>> rows,
                           writes<Context, shape<P>> to) {
    const auto& matrix = *static_cast<const std::vector<double>*>(weights);
    for (std::size_t i = 0; i < to.size(); ++i) {
      to.data[i] = 0;
      for (std::size_t c = 0; c < E; ++c) to.data[i] += matrix[i % P * E + c] * rows.data[i / P * E + c];
    }
  };
  loss_state_of<Loss, Context, shape<P>, shape<E>> state;
  state.start(context, loss, how.seed);
  const auto run = [&](std::vector<double>& to) -> double {
    batch.dp = {to.data(), how.batch};
    return call_loss(context, loss, batch, state);
  };
  run(gradient);
  for (double& value : gradient) value -= .25;
  return check_gradient(
      p, gradient, [&] { return run(ignored); }, how);
}

}  // namespace pretext::inline v0_1
