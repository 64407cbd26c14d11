#include <pretext/encoders/resnet.hpp>
#include <pretext/encoders/vit.hpp>
#include <pretext/kernels/cpu/attention.hpp>
#include <pretext/kernels/cpu/cross_entropy.hpp>
#include <pretext/kernels/cpu/drop_path.hpp>
#include <pretext/kernels/cpu/gelu.hpp>
#include <pretext/kernels/cpu/layer_norm.hpp>
#include <pretext/kernels/cpu/optimize.hpp>
#include <pretext/kernels/cpu/patches.hpp>
#include <pretext/kernels/cpu/tokens.hpp>
#include <pretext/methods/classification.hpp>
#include <pretext/optimizers/adamw.hpp>
#include <pretext/optimizers/any_optimizer.hpp>
#include <pretext/optimizers/lars.hpp>
#include <pretext/optimizers/layer_decay.hpp>
#include <pretext/optimizers/sgd.hpp>
#include <pretext/training/trainer.hpp>

#include "support/gradient_check.hpp"
#include "support/thin_trunk.hpp"

using namespace pretext;
using doctest::Approx;

namespace {

using images = shape<8, 8, 3>;
using trunk = tests::thin_trunk<basic_block, 4>;
using method = classification<images, encoder<trunk>, classifier<linear_classifier<3, torch_init>>>;

struct tokens : linear<8> {
  static constexpr fixed_string classifier{"head"};
};

/// Soft targets that differ between images.
template <class Memory>
void set_soft_targets(Memory& m, std::size_t batch) {
  const auto soft_targets = m.soft_targets.resize(batch);
  for (std::size_t i = 0; i < batch; ++i) {
    const double share = .5 + .5 * static_cast<double>(i) / static_cast<double>(batch);
    for (std::size_t c = 0; c < 3; ++c)
      soft_targets.data[3 * i + c] = static_cast<std::remove_pointer_t<decltype(soft_targets.data)>>(
          c == i % 3 ? share : (1 - share) / 2);
  }
}

template <class Context, class Optimizer>
double step(trainer<method, Context, Optimizer>& learner,
            const std::vector<typename Context::activation>& pixels, double rate) {
  const std::size_t batch = pixels.size() / images::size;
  set_soft_targets(learner.memory(), batch);
  return learner.step(reads<Context, images>{pixels.data(), batch}, {.learning_rate = rate});
}

template <class Learner>
auto values(Learner& learner) {
  return std::vector(learner.memory().value.data(), learner.memory().value.data() + method::size);
}

}  // namespace

TEST_CASE("paths are torchvision's for a ResNet, and an encoder may name its classifier") {
  using resnet =
      classification<shape<32, 32, 3>, encoder<resnet18<stem::cifar>>, classifier<linear_classifier<10>>>;
  static_assert(resnet::parameters[0].name() == "conv1.weight");
  static_assert(resnet::parameters.back().name() == "fc.bias");
  static_assert(trainable_count(resnet::parameters) ==
                11'173'962);  // torchvision's with a 3x3 stem and 10 classes
  using vit = classification<shape<4>, encoder<tokens>, classifier<linear_classifier<10>>>;
  static_assert(vit::parameters.back().name() == "head.bias");
}

namespace {

/// Compares every gradient of a step with central differences of its loss.
template <class Method>
void every_gradient_matches(Method how, double drop_path = 0) {
  using Context = on<cpu, fp64>;
  trainer<Method, Context, sgd> learner{how, {}, 3, cpu::stream{2}};
  auto& m = learner.memory();
  auto pixels = tests::normal_numbers(10 * Method::images::size, 3);
  const reads<Context, typename Method::images> views{pixels.data(), 10};
  const std::vector<std::uint64_t> samples{4, 8, 15, 16, 23, 42, 5, 6, 7, 9};
  const auto prepare = [&] {
    set_soft_targets(m, 10);
    return step_context{.keys = learner.keys_of(samples, 1, 2), .drop_path = drop_path};
  };
  learner.enqueue(views, prepare());
  const std::vector<double> gradient(m.gradient.data(), m.gradient.data() + Method::size);
  const auto loss = [&] { return learner.method().learn(learner.context(), m, views, prepare()); };
  std::size_t checked = 0;
  for (const parameter& p : Method::parameters) {
    if (p.role != parameter_role::trainable) continue;
    CAPTURE(p.path);
    for (std::size_t i = p.offset; i < p.offset + p.size(); i += 1 + p.size() / 7, ++checked) {
      double& w = m.value.data()[i];
      const double saved = w, h = 1e-6;
      w = saved + h;
      const double up = loss();
      w = saved - h;
      const double down = loss();
      w = saved;
      CHECK(gradient[i] == Approx((up - down) / (2 * h)).epsilon(1e-6).scale(1));
    }
  }
  CHECK(checked > 50);
}

using tokens_trunk = vit<4, 12, 3, 2, mae_fine_tuning>;
using tuning = classification<images, encoder<tokens_trunk>, classifier<linear_classifier<3, torch_init>>>;

}  // namespace

TEST_CASE(
    "every gradient of a classification matches finite differences: ResNet, ViT with a mean of its tokens, "
    "dropped paths") {
  every_gradient_matches(method{});
  every_gradient_matches(tuning{});
  every_gradient_matches(tuning{}, .6);
}

TEST_CASE("MAE's fine-tuning: timm's names, positions that are trained without decay, a head close to zero") {
  using mae = classification<shape<32, 32, 3>, encoder<vit_tiny<4, mae_fine_tuning>>,
                             classifier<linear_classifier<10, mae_classifier_init>>>;
  static_assert(mae::parameters.back().name() == "head.bias");
  static_assert(trainable_count(mae::parameters) ==
                5'360'832 + 1930);  // timm's vit_tiny of 65 tokens, fc_norm for norm
  std::size_t seen = 0;
  for (const parameter& p : layer_decay<sgd>{{}, .75}.scaled(mae::parameters)) {
    if (p.name() == "pos_embed") {
      CHECK(p.role == parameter_role::trainable);
      CHECK(p.weight_decay == parameter_decay::no);
      CHECK(p.lr_multiplier == Approx(.023757264).epsilon(1e-7));
      ++seen;
    }
    if (p.name() == "fc_norm.weight" || p.name() == "head.weight") {
      CHECK(p.lr_multiplier == 1);
      ++seen;
    }
    if (p.name() == "blocks.0.attn.qkv.weight") {
      CHECK(p.lr_multiplier == Approx(.031676352).epsilon(1e-7));
      ++seen;
    }
  }
  CHECK(seen == 4);
}

TEST_CASE("a classifier with zero weights has loss log C, and learns its training images") {
  using zero = classification<images, encoder<trunk>, classifier<linear_classifier<3>>>;
  trainer<zero, on<cpu>, sgd> learner;
  const auto numbers = tests::normal_numbers(12 * images::size, 5);
  const std::vector<float> pixels(numbers.begin(), numbers.end());
  const reads<on<cpu>, images> views{pixels.data(), 12};
  const auto labels = [&] {
    const auto soft_targets = learner.memory().soft_targets.resize(12);
    for (std::size_t i = 0; i < 36; ++i) soft_targets.data[i] = i % 3 == i / 3 % 3 ? 1.f : 0.f;
  };
  labels();
  CHECK(learner.step(views, {.learning_rate = .05}) == Approx(std::log(3.)).epsilon(1e-6));
  double loss = 0;
  for (int k = 0; k < 150; ++k) {
    labels();
    loss = learner.step(views, {.learning_rate = .05});
  }
  CHECK(loss < .1);

  // In inference mode the logits are the classifier's output for the feature, and correct.
  std::vector<float> h(12 * zero::feature::size), logits(36);
  learner.encode(views, writes<on<cpu>, zero::feature>{h.data(), 12});
  zero::predict(learner.context(), learner.memory(), views,
                writes<on<cpu>, zero::embedding>{logits.data(), 12});
  const float* w = learner.memory().value.data() + zero::encoder_size;
  for (std::size_t i = 0; i < 12; ++i)
    for (std::size_t c = 0; c < 3; ++c) {
      double sum = static_cast<double>(w[3 * zero::feature::size + c]);
      for (std::size_t j = 0; j < zero::feature::size; ++j)
        sum += static_cast<double>(w[c * zero::feature::size + j]) *
               static_cast<double>(h[i * zero::feature::size + j]);
      CHECK(static_cast<double>(logits[3 * i + c]) == Approx(sum).epsilon(1e-4).scale(1));
      CHECK(logits[3 * i + i % 3] >= logits[3 * i + c]);
    }
}

namespace {

template <class Optimizer>
void only_the_classifier_moves(const Optimizer& optimizer) {
  trainer<method, on<cpu>, Optimizer> learner{{.frozen = true}, optimizer};
  const auto before = values(learner);
  const auto numbers = tests::normal_numbers(12 * images::size, 5);
  const std::vector<float> pixels(numbers.begin(), numbers.end());
  const double first = step(learner, pixels, .1);
  for (int k = 0; k < 20; ++k) step(learner, pixels, .1);
  CHECK(step(learner, pixels, .1) < first);
  const auto after = values(learner);
  for (std::size_t i = 0; i < before.size(); ++i) {
    CAPTURE(i);
    CHECK((before[i] == after[i]) == (i < method::encoder_size));
  }
}

}  // namespace

TEST_CASE("a frozen encoder does not move under any optimizer, nor do its running statistics") {
  only_the_classifier_moves(sgd{.weight_decay = .1});
  only_the_classifier_moves(sgd{.nesterov = true, .weight_decay = .1, .decay_all = true});
  only_the_classifier_moves(lars{.weight_decay = .1, .trust_coefficient = .1});
  only_the_classifier_moves(lars{.weight_decay = .1, .trust_coefficient = .1, .variant = lars_variant::larc});
  only_the_classifier_moves(adamw{.decay_all = true});
  only_the_classifier_moves(layer_decay<adamw>{{.weight_decay = .1}, .7});
  only_the_classifier_moves(any_optimizer<sgd, adamw>{sgd{.weight_decay = .1}});
}

TEST_CASE("an encoder cannot be frozen or unfrozen under a trainer") {
  trainer<method, on<cpu>, sgd> learner{{.frozen = true}};
  learner.method().frozen = false;
  const std::vector<float> pixels(4 * images::size, .5f);
  CHECK_THROWS_WITH_AS(step(learner, pixels, .1), doctest::Contains("construct another trainer for that"),
                       std::invalid_argument);
}

TEST_CASE("every step needs its own soft targets, one for each image") {
  trainer<method, on<cpu>, sgd> learner;
  const std::vector<float> pixels(4 * images::size, .5f);
  step(learner, pixels, .1);
  CHECK_THROWS_WITH_AS(learner.step(reads<on<cpu>, images>{pixels.data(), 4}, {.learning_rate = .1}),
                       "classification: 4 images but 0 soft targets; before every step write those of its n "
                       "images into soft_targets.resize(n) of the method's memory",
                       std::invalid_argument);
  learner.memory().soft_targets.resize(3);
  CHECK_THROWS_WITH_AS(learner.step(reads<on<cpu>, images>{pixels.data(), 4}, {.learning_rate = .1}),
                       doctest::Contains("4 images but 3 soft targets"), std::invalid_argument);
}

TEST_CASE("classification gives the same bits with 1, 2 and 3 threads") {
  const auto numbers = tests::normal_numbers(12 * images::size, 5);
  const std::vector<float> pixels(numbers.begin(), numbers.end());
  const auto after = [&](std::size_t threads) {
    trainer<method, on<cpu>, sgd> learner{{}, {}, 5, cpu::stream{threads}};
    for (int k = 0; k < 3; ++k) step(learner, pixels, .1);
    return values(learner);
  };
  CHECK(after(1) == after(2));
  CHECK(after(1) == after(3));
}
