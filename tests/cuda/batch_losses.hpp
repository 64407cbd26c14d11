#pragma once
// Losses of described batches, in three steps each: their values and gradients and what they remember.

#include <limits>

#include <pretext/kernels/gpu/operations.hpp>
#include <pretext/losses/call_loss.hpp>
#include <pretext/losses/composition.hpp>
#include <pretext/losses/feature_regression.hpp>
#include <pretext/losses/koleo.hpp>
#include <pretext/losses/msn_loss.hpp>
#include <pretext/losses/nearest_neighbor_contrast.hpp>
#include <pretext/losses/negative_cosine.hpp>
#include <pretext/losses/patch_distillation.hpp>
#include <pretext/losses/queue_contrast.hpp>
#include <pretext/losses/relational_loss.hpp>
#include <pretext/losses/self_distillation.hpp>
#include <pretext/losses/sketched_isotropy.hpp>
#include <pretext/losses/supervised_contrastive.hpp>
#include <pretext/losses/swapped_prediction.hpp>
#include <pretext/losses/tico_loss.hpp>
#include <pretext/losses/whitening_mse.hpp>

#include "device_pair.hpp"

namespace pretext::tests {

/// Views of a batch of a test.
struct test_views {
  std::size_t images = 7, views = 2, target_views = 2, first_target_view = 0;
};

/// Calls `loss` for three batches and completes the steps. `rounded_intermediates` as for `same_on_both`.
template <class Device, std::size_t P, std::size_t E = P, class Loss>
void compare_batch_loss(const Loss& loss, const test_views& of, int rounded_intermediates = 8) {
  same_on_both<Device>(
      [&]<class Context>(workbench<Context>& at) {
        const std::size_t rows = of.images * of.views, target_rows = of.images * of.target_views;
        loss_state_of<Loss, Context, shape<P>, shape<E>> state;
        state.start(at.context, loss, 3);
        std::vector<std::int64_t> labels;
        for (std::size_t i = 0; i < of.images; ++i) labels.push_back(static_cast<std::int64_t>(i % 3));
        loss_batch<Context, shape<P>, shape<E>> batch;
        batch.images = of.images;
        batch.views = of.views;
        batch.target_views = of.target_views;
        batch.first_target_view = of.first_target_view;
        batch.labels = at.in(labels);
        const auto* const w = at.in(at.activations(P * E, 5));
        batch.predictor = w;
        batch.run_predictor = [](const void* matrix, Context& context, reads<Context, shape<E>> from,
                                 writes<Context, shape<P>> to) {
          using T = typename Context::activation;
          kernels::gemm<typename Context::device>::run(
              context, kernels::op::none, kernels::op::none, from.batch, P, E, from.data,
              static_cast<const T*>(matrix), to.data, kernels::write_mode::overwrite);
        };
        for (unsigned step = 0; step < 3; ++step) {
          batch.p = {at.in(at.activations(rows * P, 10 * step + 1)), rows};
          batch.target = {at.in(at.activations(target_rows * E, 10 * step + 2)), target_rows};
          batch.dp = {at.out(at.activations(rows * P, 10 * step + 3)), rows};
          at.loss(call_loss(at.context, loss, batch, state));
          commit_loss(at.context, loss, state);
        }
        state.for_each_buffer(
            [&](std::string_view, const auto* data, std::size_t count) { at.values(data, count); });
      },
      rounded_intermediates);
}

template <class Device>
void compare_patch_loss(const patch_distillation& loss) {
  same_on_both<Device>(
      [&]<class Context>(workbench<Context>& at) {
        constexpr std::size_t columns = 37, images = 3, tokens = 5, rows = images * tokens;
        patch_distillation::state<Context, shape<columns>, shape<columns>> state;
        state.start(at.context, loss, 1);
        token_batch<Context, shape<columns>> batch{.images = images, .tokens = tokens};
        batch.masked = at.in(std::vector<std::uint8_t>{1, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});
        for (unsigned step = 0; step < 2; ++step) {
          batch.p = {at.in(at.activations(rows * columns, 10 * step + 1)), rows};
          batch.target = {at.in(at.activations(rows * columns, 10 * step + 2)), rows};
          batch.dp = {at.out(at.activations(rows * columns, 10 * step + 3)), rows};
          at.loss(loss(at.context, batch, state));
          loss.commit(at.context, state);
        }
        state.for_each_buffer(
            [&](std::string_view, const auto* data, std::size_t count) { at.values(data, count); });
      },
      0);
}

template <class Device>
void batch_losses() {
  const test_views both{}, one_way{7, 1, 1, 1};
  compare_batch_loss<Device, 37>(negative_cosine{}, {7, 3, 3}, 0);
  compare_batch_loss<Device, 37>(queue_contrast{.capacity = 14}, one_way);
  compare_batch_loss<Device, 37>(queue_contrast{.capacity = 21}, both);
  compare_batch_loss<Device, 37>(queue_contrast{.capacity = 14, .queues = key_queues::per_view}, both);
  compare_batch_loss<Device, 37>(relational_loss{14, .3, .2}, one_way);
  compare_batch_loss<Device, 37>(nearest_neighbor_contrast{14, .3}, both);
  compare_batch_loss<Device, 37>(tico_loss{}, one_way);
  compare_batch_loss<Device, 37>(supervised_contrastive{.3}, both);
  compare_batch_loss<Device, 37>(supervised_contrastive{.3, 2, positives::inside_logarithm}, both);
  compare_batch_loss<Device, 37, 5>(swapped_prediction{.epsilon = 2}, {7, 4, 2});
  compare_batch_loss<Device, 37, 5>(swapped_prediction{.epsilon = 2, .capacity = 14}, {7, 4, 2});
  compare_batch_loss<Device, 37>(self_distillation{}, {7, 4, 2}, 1);
  compare_batch_loss<Device, 37>(self_distillation{.centering = teacher_centering::sinkhorn}, {7, 4, 2}, 1);
  compare_batch_loss<Device, 5>(whitening_mse{.sub_batch = 12, .repetitions = 2}, {36, 3, 0}, 2);
  compare_batch_loss<Device, 37>(koleo{}, {7, 3, 0});
  compare_batch_loss<Device, 19>(sketched_isotropy{.lambda = .5, .slices = 11}, {40, 3, 0});
  compare_batch_loss<Device, 37, 5>(msn_loss{.temperature = 2}, {7, 3, 1}, 2);
  compare_batch_loss<Device, 37, 5>(msn_loss{.temperature = 2, .iterations = 3}, {7, 3, 1}, 2);
  compare_batch_loss<Device, 37>(self_distillation{} + 0.5 * (koleo{} + queue_contrast{.capacity = 14}),
                                 both);
  compare_batch_loss<Device, 37>(feature_regression{}, {7, 3, 3}, 0);
  compare_batch_loss<Device, 37>(feature_regression{feature_distance::squares, 1, false}, {7, 3, 3}, 0);
  for (const teacher_centering centering : {teacher_centering::centre, teacher_centering::sinkhorn})
    compare_patch_loss<Device>(patch_distillation{.centering = centering, .centres_masked_only = true});
}

/// A step whose loss is NaN leaves what a loss remembers as it was.
template <class Device>
void keeps_state_of_a_lost_step() {
  using Context = on<Device, fp32>;
  workbench<Context> at;
  const tico_loss loss{};
  tico_loss::state<Context, shape<3>, shape<3>> state;
  state.start(at.context, loss, 1);
  const auto step = [&](float first) {
    const std::size_t n = 2;
    loss_batch<Context, shape<3>> batch{.images = n, .views = 1, .target_views = 1, .first_target_view = 1};
    batch.p = {at.in(std::vector<float>{first, 2, 3, 4, 5, 6}), n};
    batch.target = {at.in(std::vector<float>{1, 0, 0, 0, 1, 0}), n};
    batch.dp = {at.out(std::vector<float>(6)), n};
    loss(at.context, batch, state).finalize(at.context);
    loss.commit(at.context, state);
    at.context.stream.take_loss();
    std::vector<float> covariance(9);
    Device::read(at.context.stream, covariance.data(), state.covariance.data(), 9);
    return covariance;
  };
  const auto once = step(1);
  CHECK(once[1] != 0);
  CHECK(step(std::numeric_limits<float>::quiet_NaN()) == once);
  CHECK(step(1) != once);
}

}  // namespace pretext::tests
