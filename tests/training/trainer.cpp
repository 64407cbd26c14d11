#include "support/allocations.hpp"
#include "support/gradient_check.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include <pretext/encoders/resnet.hpp>
#include <pretext/kernels/cpu/cosine_regression.hpp>
#include <pretext/kernels/cpu/cross_entropy.hpp>
#include <pretext/kernels/cpu/elementwise.hpp>
#include <pretext/kernels/cpu/nt_xent.hpp>
#include <pretext/kernels/cpu/optimize.hpp>
#include <pretext/losses/composition.hpp>
#include <pretext/methods/byol.hpp>
#include <pretext/methods/classification.hpp>
#include <pretext/methods/simclr.hpp>
#include <pretext/optimizers/adamw.hpp>
#include <pretext/optimizers/any_optimizer.hpp>
#include <pretext/optimizers/lars.hpp>
#include <pretext/optimizers/layer_decay.hpp>
#include <pretext/optimizers/sgd.hpp>
#include <pretext/training/trainer.hpp>

using namespace pretext;

namespace {

using images = shape<16, 16, 3>;
using method = simclr<images, resnet18<stem::cifar, 4>>;
using learner = trainer<method, on<cpu>, any_optimizer<sgd, lars, adamw>>;

std::vector<float> views(std::size_t step) {
  const auto numbers = tests::normal_numbers(12 * images::size, static_cast<unsigned>(step));
  return {numbers.begin(), numbers.end()};
}

std::vector<float> weights_after(std::size_t steps, std::size_t threads,
                                 any_optimizer<sgd, lars, adamw> optimizer) {
  learner t{{}, optimizer, 5, cpu::stream{threads}};
  for (std::size_t k = 0; k < steps; ++k) {
    auto v = views(k);
    t.step(reads<on<cpu>, images>{v.data(), 12}, {.learning_rate = 0.05});
  }
  return {t.memory().value.data(), t.memory().value.data() + method::size};
}

}  // namespace

TEST_CASE("a training step allocates nothing after the first two") {
  learner t{{}, {sgd{}}, 5, cpu::stream{2}};
  auto v = views(0);
  const reads<on<cpu>, images> batch{v.data(), 12};
  t.step(batch, {.learning_rate = 0.05});
  t.step(batch, {.learning_rate = 0.05});
  const std::size_t before = tests::allocations;
  t.step(batch, {.learning_rate = 0.05});
  t.step(batch, {.learning_rate = 0.05});
  CHECK(tests::allocations == before);
}

TEST_CASE("training gives the same bits with 1, 2 and 3 threads") {
  for (const any_optimizer<sgd, lars, adamw>& optimizer :
       {any_optimizer<sgd, lars, adamw>{sgd{.nesterov = true, .weight_decay = 1e-4}},
        any_optimizer<sgd, lars, adamw>{lars{}}, any_optimizer<sgd, lars, adamw>{adamw{}}}) {
    const auto one = weights_after(3, 1, optimizer);
    CHECK(one == weights_after(3, 2, optimizer));
    CHECK(one == weights_after(3, 3, optimizer));
  }
}

TEST_CASE("a loss that is NaN stops the step in a sentence and leaves the weights unchanged") {
  learner t;
  auto v = views(0);
  v[7] = std::nanf("");
  const std::vector<float> before(t.memory().value.data(), t.memory().value.data() + method::size);
  CHECK_THROWS_WITH_AS(t.step(reads<on<cpu>, images>{v.data(), 12}, {.learning_rate = 0.05}),
                       doctest::Contains("not a number"), std::runtime_error);
  for (const parameter& p : method::parameters)
    if (p.role == parameter_role::trainable)
      for (std::size_t i = p.offset; i < p.offset + p.size(); ++i)
        REQUIRE(t.memory().value.data()[i] == before[i]);
}

TEST_CASE("initial weights depend on the seed alone") {
  learner a{{}, {sgd{}}, 1}, b{{}, {sgd{}}, 1}, c{{}, {sgd{}}, 2};
  const auto all = [](learner& t) {
    return std::vector<float>(t.memory().value.data(), t.memory().value.data() + method::size);
  };
  CHECK(all(a) == all(b));
  CHECK(all(a) != all(c));
}

TEST_CASE("named options are the seed of the weights and the threads of the CPU") {
  learner named{{}, {sgd{}}, {.seed = 5, .threads = 2}}, positional{{}, {sgd{}}, 5, cpu::stream{2}};
  CHECK(named.context().stream.threads() == 2);
  CHECK(
      std::vector<float>(named.memory().value.data(), named.memory().value.data() + method::size) ==
      std::vector<float>(positional.memory().value.data(), positional.memory().value.data() + method::size));
}

TEST_CASE("the keys and rates of a step end with it, whether it succeeds or throws") {
  learner t;
  auto v = views(0);
  const std::vector<std::uint64_t> samples{0, 1, 2, 3, 4, 5};
  const training_step step{.samples = samples, .drop_path = 0.5};
  const auto nothing_left = [&] {
    CHECK(t.context().step.keys.count == 0);
    CHECK(t.context().step.drop_path == 0);
    CHECK(t.context().step.batch_norm_groups == 1);
  };
  t.step(reads<on<cpu>, images>{v.data(), 12}, step);
  nothing_left();
  CHECK_THROWS_AS(t.step(reads<on<cpu>, images>{v.data(), 11}, step), std::invalid_argument);
  nothing_left();
}

TEST_CASE("a trainer refuses hyper-parameters out of range in a sentence when it is constructed") {
  const auto refused = [](auto method, auto optimizer, const char* sentence) {
    using made = trainer<decltype(method), on<cpu>, decltype(optimizer)>;
    CHECK_THROWS_WITH_AS((made{method, optimizer}), doctest::Contains(sentence), std::invalid_argument);
  };
  refused(method{.loss = {.temperature = 0}}, sgd{}, "nt_xent: temperature ");
  refused(method{}, sgd{.momentum = 1}, "sgd: momentum ");
  refused(method{}, sgd{.weight_decay = -1}, "sgd: weight_decay ");
  refused(method{}, lars{.trust_coefficient = 0}, "lars: trust_coefficient ");
  refused(method{}, adamw{.beta2 = -0.1}, "adamw: beta2 ");
  refused(method{}, any_optimizer<sgd, lars>{lars{.momentum = std::nan("")}}, "lars: momentum ");
  using summed = joint_embedding<images, encoder<resnet18<stem::cifar, 4>>, projector<simclr_head<32>>,
                                 loss<loss_sum<nt_xent, weighted_loss<nt_xent>>>>;
  refused(summed{.loss = nt_xent{} + std::nan("") * nt_xent{}}, sgd{}, "weighted_loss: weight ");
  refused(method{}, sgd{.weight_decay = HUGE_VAL}, "sgd: weight_decay ");
  refused(method{}, lars{.trust_coefficient = HUGE_VAL}, "lars: trust_coefficient ");
  refused(method{.loss = {.temperature = HUGE_VAL}}, sgd{}, "nt_xent: temperature ");
  refused(summed{.loss = nt_xent{} + 0.5 * nt_xent{.temperature = -1}}, sgd{}, "nt_xent: temperature ");
  refused(byol<images, resnet18<stem::cifar, 4>, byol_head<9, 6>>{.target = {.momentum = 1.1}}, sgd{},
          "ema: momentum ");
  using labelled =
      classification<images, encoder<resnet18<stem::cifar, 4>>, classifier<linear_classifier<4>>>;
  refused(labelled{.loss = {.classes = 5}}, layer_decay<sgd>{},
          "classification: the loss has 5 classes, but the classifier<> has 4 outputs");
  refused(labelled{}, layer_decay<sgd>{.decay = 0}, "must lie within (0, 1]");
}

TEST_CASE("a step refuses a target momentum outside of [0, 1] in a sentence, before it changes a weight") {
  using with_target = byol<images, resnet18<stem::cifar, 4>, byol_head<9, 6>>;
  const trainer<with_target, on<cpu>, sgd> t;
  for (const double wrong : {99., -0.1, std::nan("")})
    CHECK_THROWS_WITH_AS(t.target_momentum(wrong), doctest::Contains("must be in [0, 1]"),
                         std::invalid_argument);
  CHECK(t.target_momentum(0.5) == 0.5);
  CHECK(t.target_momentum({}) == ema{}.momentum);
}

TEST_CASE("a step refuses a learning rate that is negative, NaN or infinite before it changes a weight") {
  learner t{{}, {sgd{}}, 5};
  const std::vector<float> before(t.memory().value.data(), t.memory().value.data() + method::size);
  auto v = views(0);
  for (const double wrong : {-0.1, std::nan(""), HUGE_VAL})
    CHECK_THROWS_WITH_AS(t.step(reads<on<cpu>, images>{v.data(), 12}, {.learning_rate = wrong}),
                         doctest::Contains("trainer: learning_rate "), std::invalid_argument);
  CHECK(std::equal(before.begin(), before.end(), t.memory().value.data()));
}

TEST_CASE("an empty batch is an error") {
  learner t{{}, {sgd{}}};
  CHECK_THROWS_WITH_AS(t.step(reads<on<cpu>, images>{nullptr, 0}, {.learning_rate = 0.1}),
                       doctest::Contains("a step needs views of at least one image"), std::invalid_argument);
}

TEST_CASE("unscaled pixels of 0 to 255 are an error; pixels in [0, 1] and normalised ones are none") {
  learner t{{}, {sgd{}}};
  std::vector<float> v(12 * images::size);
  for (std::size_t i = 0; i < v.size(); ++i) v[i] = static_cast<float>(i * 7919 % 256);
  const reads<on<cpu>, images> batch{v.data(), 12};
  CHECK_THROWS_WITH_AS(t.step(batch, {.learning_rate = 0.1}), doctest::Contains("divide 8-bit pixels by 255"),
                       std::invalid_argument);
  for (float& x : v) x /= 255;
  CHECK_NOTHROW(learner({}, {sgd{}}).step(batch, {.learning_rate = 0.1}));
  for (float& x : v) x = (x - .5f) / .01f;
  CHECK_NOTHROW(learner({}, {sgd{}}).step(batch, {.learning_rate = 0.1}));
}

TEST_CASE("features need as many rows as there are images") {
  learner t{{}, {sgd{}}};
  auto v = views(0);
  std::vector<float> h(4 * learner::feature::size);
  CHECK_THROWS_WITH_AS(
      t.encode(reads<on<cpu>, images>{v.data(), 8}, writes<on<cpu>, learner::feature>{h.data(), 4}),
      doctest::Contains("the outputs of 8 samples do not fit into a tensor of 4"), std::invalid_argument);
}

TEST_CASE("a batch of one image is an error, with negatives and with batch norm of each view") {
  learner contrastive{{}, {sgd{}}};
  auto v = views(0);
  CHECK_THROWS_WITH_AS(contrastive.step(reads<on<cpu>, images>{v.data(), 2}, {.learning_rate = 0.1}),
                       doctest::Contains("a batch of one image"), std::invalid_argument);
  trainer<byol<images, resnet18<stem::cifar, 4>>, on<cpu>, sgd> bootstrapped{{}, {}};
  CHECK_THROWS_WITH_AS(bootstrapped.step(reads<on<cpu>, images>{v.data(), 2}, {.learning_rate = 0.1}),
                       doctest::Contains("a batch of at least two images"), std::invalid_argument);
}
