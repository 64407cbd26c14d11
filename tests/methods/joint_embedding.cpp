#include <pretext/methods/joint_embedding.hpp>

#include <pretext/encoders/resnet.hpp>
#include <pretext/heads/projection.hpp>
#include <pretext/kernels/cpu/cosine_regression.hpp>
#include <pretext/kernels/cpu/elementwise.hpp>
#include <pretext/kernels/cpu/nt_xent.hpp>
#include <pretext/kernels/cpu/optimize.hpp>
#include <pretext/losses/composition.hpp>
#include <pretext/losses/cosine_regression.hpp>
#include <pretext/losses/nt_xent.hpp>
#include <pretext/optimizers/sgd.hpp>
#include <pretext/training/trainer.hpp>

#include "support/gradient_check.hpp"
#include "support/thin_trunk.hpp"

// Compositions that are no published method: what the policies promise holds for each of them.
using namespace pretext;

namespace {

using images = shape<8, 8, 3>;
using Context = on<cpu, fp64>;
using trunk = tests::thin_trunk<basic_block, 4>;
using head = byol_head<9, 5>;
constexpr std::size_t n = 5;

template <class... Policies>
using composed = joint_embedding<images, encoder<trunk>, projector<head>, Policies...>;

/// Compares every gradient with central differences of the loss; the target does not move.
template <class Method>
void every_gradient_matches(Method method) {
  trainer<Method, Context, sgd> learner{method, {}, 3, cpu::stream{2}};
  learner.start(Method::parameters, 3, 4);
  auto& m = learner.memory();
  const auto pixels = tests::normal_numbers(2 * n * images::size, 3);
  const reads<Context, images> views{pixels.data(), 2 * n};
  learner.step(views, {.target_momentum = 1});
  const std::vector<double> gradient(m.gradient.data(), m.gradient.data() + Method::size);
  for (const parameter& p : Method::parameters) {
    if (p.role != parameter_role::trainable) continue;
    CAPTURE(p.path);
    for (std::size_t i = p.offset; i < p.offset + p.size(); i += 1 + p.size() / 5) {
      double& w = m.value.data()[i];
      const double saved = w, h = 1e-6;
      w = saved + h;
      const double up = learner.method().learn(learner.context(), m, views, {});
      w = saved - h;
      const double down = learner.method().learn(learner.context(), m, views, {});
      w = saved;
      CHECK(gradient[i] == doctest::Approx((up - down) / (2 * h)).epsilon(1e-6).scale(1));
    }
  }
}

template <class Method>
double loss_of(const Method& method, const std::vector<double>& pixels) {
  trainer<Method, Context, sgd> learner{method, {}, 3};
  return learner.step({pixels.data(), pixels.size() / images::size}, {});
}

}  // namespace

TEST_CASE(
    "gradients match finite differences for a predictor without a target and a target without a predictor") {
  every_gradient_matches(composed<predictor<head>, loss<nt_xent>>{});
  every_gradient_matches(composed<target<ema>, loss<cosine_regression>>{});
}

TEST_CASE("gradients match finite differences for a sum of losses, and with statistics per view") {
  using summed = loss_sum<nt_xent, weighted_loss<nt_xent>>;
  every_gradient_matches(
      composed<loss<summed>>{.loss = nt_xent{.temperature = 0.2} + 0.5 * nt_xent{.temperature = 1}});
  every_gradient_matches(composed<loss<nt_xent>, statistics<per_view_statistics>>{});
}

TEST_CASE("statistics per view differ from joint statistics, unless both views have the same statistics") {
  using joint = composed<loss<nt_xent>>;
  using per_view = composed<loss<nt_xent>, statistics<per_view_statistics>>;
  auto pixels = tests::normal_numbers(2 * n * images::size, 3);
  CHECK(loss_of(joint{}, pixels) != doctest::Approx(loss_of(per_view{}, pixels)).epsilon(1e-6));
  std::copy_n(pixels.begin(), pixels.size() / 2, pixels.begin() + std::ptrdiff_t(pixels.size() / 2));
  CHECK(loss_of(joint{}, pixels) == doctest::Approx(loss_of(per_view{}, pixels)).epsilon(1e-9));
}

TEST_CASE("a method has the buffers of its policies: a target is as large as encoder and projector") {
  using plain = composed<loss<nt_xent>>;
  using full = composed<predictor<head>, target<ema>, loss<cosine_regression>>;
  static_assert(!plain::has_target && plain::target_size == 0 && plain::size == plain::trunk_size);
  static_assert(full::has_target && full::target_size == full::trunk_size && full::size > full::trunk_size);
  static_assert(full::trunk_size == plain::trunk_size);
  static_assert(plain::parameters.back().name().starts_with("projection_head."));
  static_assert(full::parameters.back().name().starts_with("prediction_head."));
}
