// Whole runs of methods/{moco_v2,nnclr,ressl,simsiam,tico}.hpp beside those of other people's code.
#include "methods/reference_run.hpp"

#include <pretext/methods/moco_v2.hpp>
#include <pretext/methods/nnclr.hpp>
#include <pretext/methods/ressl.hpp>
#include <pretext/methods/simsiam.hpp>
#include <pretext/methods/tico.hpp>
#include <pretext/training/check_method.hpp>

using namespace pretext;
using tests::official_lars;
using tests::run_agrees;
using tests::torch_sgd;

namespace {

using trunk = tests::thin_trunk<basic_block, 8>;

template <std::size_t Side>
using moco_v2_of = moco_v2<shape<Side, Side, 3>, trunk, moco_v2_head<16, 8>>;
template <std::size_t Side>
using ressl_of = ressl<shape<Side, Side, 3>, trunk, moco_v2_head<16, 8>>;
template <std::size_t Side>
using simsiam_of = simsiam<shape<Side, Side, 3>, trunk, simsiam_head<12, 10>, simsiam_predictor<6, 10>>;
template <std::size_t Side>
using fast_siam_of =
    fast_siam<shape<Side, Side, 3>, trunk, 3, simsiam_head<12, 10>, simsiam_predictor<6, 10>>;
template <std::size_t Side>
using tico_of = tico<shape<Side, Side, 3>, trunk, byol_head<16, 8, bias::no, bias::yes>>;
template <std::size_t Side>
using nnclr_of = nnclr<shape<Side, Side, 3>, trunk, nnclr_head<12, 8>, nnclr_predictor<12, 8>>;

}  // namespace

TEST_CASE("ten steps of MoCo v2 agree with lightly's parts") {
  const std::string name = "moco_v2_ten_steps";
  run_agrees<moco_v2_of>(name, torch_sgd(name), [](auto& method, const auto& number) {
    method.loss = {.capacity = std::size_t(number("queue")), .temperature = number("temperature")};
    method.target.momentum = number("target_momentum");
  });
}

TEST_CASE("five steps of ReSSL agree with solo-learn") {
  const std::string name = "ressl_five_steps";
  run_agrees<ressl_of>(name, torch_sgd(name), [](auto& method, const auto& number) {
    method.loss = {std::size_t(number("queue")), number("temperature_q"), number("temperature_k")};
    method.target.momentum = number("target_momentum");
  });
}

TEST_CASE(
    "ten steps of SimSiam, whose predictor has a learning rate of its own, agree with lightly's parts") {
  const std::string name = "simsiam_ten_steps";
  run_agrees<simsiam_of>(name, torch_sgd(name), [](auto&, const auto&) {});
}

TEST_CASE("five steps of FastSiam with three views agree with lightly's parts") {
  const std::string name = "fast_siam_five_steps";
  run_agrees<fast_siam_of>(name, torch_sgd(name), [](auto&, const auto&) {});
}

TEST_CASE("ten steps of NNCLR agree with solo-learn's loss and the official LARS") {
  const std::string name = "nnclr_ten_steps";
  run_agrees<nnclr_of>(name, official_lars(name), [](auto& method, const auto& number) {
    method.loss = {std::size_t(number("queue")), number("temperature")};
  });
}

TEST_CASE("ten steps of TiCo agree with lightly's loss and the official LARS") {
  const std::string name = "tico_ten_steps";
  run_agrees<tico_of>(name, official_lars(name), [](auto& method, const auto& number) {
    method.loss = {number("beta"), number("rho")};
  });
}

TEST_CASE("every gradient of these methods matches finite differences") {
  const auto matches = [](const gradient_check_result& found) {
    CHECK_MESSAGE(found.error < 1e-5, found.text());
    CHECK(found.compared > 50);
  };
  // A target that moves in `learn` stays where it is with momentum 1.
  matches(check_method<moco_v2_of<8>>({.loss = {.capacity = 12}}, {.batch = 6, .seed = 3}));
  matches(check_method<ressl_of<8>>({.loss = {.capacity = 12}}, {.batch = 6, .seed = 3}));
}

TEST_CASE("embeddings that are their own target have no gradient") {
  using method = simsiam_of<8>;
  trainer<method, on<cpu, fp64>, sgd> t{{}, {}, 3};
  const auto pixels = tests::normal_numbers(8 * 8 * 8 * 3, 7);
  t.step({pixels.data(), 8}, {.learning_rate = 0});
  // Central differences of the loss where the target is that of the unchanged weights: the loss of the
  // predictions, compared with embeddings that a second memory holds.
  auto& m = t.memory();
  const std::vector<double> gradient{m.gradient.data(), m.gradient.data() + method::size};
  const auto embeddings = [&] { return std::vector<double>{m.z.data, m.z.data + 8 * 10}; };
  const auto fixed = embeddings();
  const auto loss = [&] {
    // Predictions of both views against the fixed embeddings, by definition.
    t.step({pixels.data(), 8}, {.learning_rate = 0});
    on<cpu, fp64> context{.stream = cpu::stream{1}};
    std::vector<double> p(8 * 10);
    const auto z = embeddings();
    cache_of<method::predictor, method::embedding, on<cpu, fp64>> cache;
    context.step.batch_norm_groups = 2;
    method::predictor::forward(context, {m.value.data() + method::trunk_size, m.gradient.data()},
                               reads<on<cpu, fp64>, method::embedding>{z.data(), 8}, {p.data(), 8}, cache);
    double sum = 0;
    for (std::size_t row = 0; row < 8; ++row) {
      const double* a = p.data() + row * 10;
      const double* b = fixed.data() + (row + 4) % 8 * 10;
      double ab = 0, aa = 0, bb = 0;
      for (std::size_t c = 0; c < 10; ++c) ab += a[c] * b[c], aa += a[c] * a[c], bb += b[c] * b[c];
      sum -= ab / std::sqrt(aa * bb) / 8;
    }
    return sum;
  };
  std::size_t compared = 0;
  for (const parameter& p : method::parameters) {
    if (p.role != parameter_role::trainable) continue;
    CAPTURE(p.path);
    for (std::size_t i = p.offset; i < p.offset + p.size(); i += 1 + p.size() / 3, ++compared) {
      double& w = m.value.data()[i];
      const double saved = w, h = 1e-6;
      w = saved + h;
      const double up = loss();
      w = saved - h;
      const double down = loss();
      w = saved;
      CHECK(gradient[i] == doctest::Approx((up - down) / (2 * h)).epsilon(1e-5).scale(0.1));
    }
  }
  CHECK(compared > 50);
}
