// Whole runs of methods/{barlow_twins,vicreg,dcl,frossl,hypersphere,moco_v3}.hpp beside those of other
// people's code.
#include "support/gradient_check.hpp"
#include "support/lockstep.hpp"
#include "support/thin_trunk.hpp"

#include <pretext/kernels/cpu/for_each_row.hpp>
#include <pretext/kernels/cpu/optimize.hpp>
#include <pretext/methods/barlow_twins.hpp>
#include <pretext/methods/dcl.hpp>
#include <pretext/methods/frossl.hpp>
#include <pretext/methods/hypersphere.hpp>
#include <pretext/methods/moco_v3.hpp>
#include <pretext/methods/vicreg.hpp>
#include <pretext/optimizers/lars.hpp>
#include <pretext/optimizers/sgd.hpp>
#include <pretext/training/check_method.hpp>
#include <pretext/training/trainer.hpp>

using namespace pretext;

namespace {

using trunk = tests::thin_trunk<basic_block, 8>;

/// A method in the initial state of a case, whose tensors give the learning rate and the momentum of every
/// step.
template <class Method, class Context, class Optimizer>
struct run {
  using T = typename Context::activation;
  using images = typename Method::images;

  const safetensors& file;
  double tolerance;
  trainer<Method, Context, Optimizer> learner;
  // With a target the file has encoder and projector in one module, the predictor in another.
  std::span<const parameter> embedding{parameters_of<typename Method::trunk, images>};
  std::span<const parameter> prediction =
      std::span<const parameter>{Method::parameters}.subspan(embedding.size());
  std::string online = Method::has_target ? "online." : "";

  run(const safetensors& from, double within, const Method& method, const Optimizer& optimizer)
      : file{from}, tolerance{within}, learner{method, optimizer, 1, cpu::stream{2}} {
    auto& m = learner.memory();
    read_torch_tensors<T>(embedding, file, "before." + online, m.value.data());
    read_torch_tensors<T>(prediction, file, "before.", m.value.data());
    if constexpr (Method::has_target)
      read_torch_tensors<T>(embedding, file, "before.target.", m.target_values.data());
  }

  void step(std::size_t k) {
    const auto views = tests::views_of_step<T>(file, k);
    step_values values{.learning_rate = file.at("rate").template as<double>()[k]};
    if (Method::has_target) values.target_momentum = file.at("target_momentum").template as<double>()[k];
    const double loss =
        learner.step(reads<Context, images>{views.data(), views.size() / images::size},
                     {.learning_rate = values.learning_rate, .target_momentum = values.target_momentum});
    const double expected = file.at("loss").template as<double>()[k];
    CAPTURE(k);
    CHECK(std::abs(loss - expected) < tolerance * std::abs(expected));
  }
  auto gradients() { return tests::gradients_of<T>(Method::parameters, learner.memory().gradient.data()); }
  auto first_gradients() const {
    return tests::gradients_of(Method::parameters, file, [&](const parameter& p) {
      const std::string name{p.name()};
      return "grad." + (name.starts_with("prediction_head") ? "" : online) + name;
    });
  }
  void end_agrees() {
    auto& m = learner.memory();
    tests::weights_agree(embedding, m.value.data(), file, "after." + online, tolerance);
    tests::weights_agree(prediction, m.value.data(), file, "after.", tolerance);
    if constexpr (Method::has_target)
      tests::weights_agree(embedding, m.target_values.data(), file, "after.target.", tolerance);
  }
};

/// Runs the case `name` with the method that `Method<Images>` is for its images; `configure(method, number)`
/// sets hyper-parameters.
template <template <class> class Method, class Optimizer, class Configure>
void agrees(const std::string& name, const Optimizer& optimizer, const Configure& configure) {
  CAPTURE(name);
  const auto file = tests::reference(name);
  const auto number = [&](const char* key) {
    return tests::hyper_parameter(file, key).template get<double>();
  };
  const auto with = [&]<std::size_t Side>(std::integral_constant<std::size_t, Side>) {
    using method = Method<shape<Side, Side, 3>>;
    method configured{};
    configure(configured, number);
    using twice = run<method, on<cpu, fp64>, Optimizer>;
    tests::lockstep(twice{file, 1e-9, configured, optimizer},
                    run<method, on<cpu>, Optimizer>{file, 1e-4, configured, optimizer},
                    twice{file, 1e-3, configured, optimizer}, file.at("loss").shape[0]);
  };
  switch (const auto side = file.at("view1.0").shape[2]) {
    case 8:
      return with(std::integral_constant<std::size_t, 8>{});
    case 12:
      return with(std::integral_constant<std::size_t, 12>{});
    default:
      FAIL("no test is compiled for images of ", side, " pixels");
  }
}

lars official_lars(const std::string& name) {
  const auto file = tests::reference(name);
  const auto number = [&](const char* key) {
    return tests::hyper_parameter(file, key).template get<double>();
  };
  lars optimizer{.momentum = number("momentum"),
                 .weight_decay = number("weight_decay"),
                 .trust_coefficient = number("trust_coefficient"),
                 .variant = lars_variant::byol};
  if (file.tensors.contains("rate_of_biases_and_norms"))
    optimizer.excluded_rate =
        file.at("rate_of_biases_and_norms").as<double>().back() / file.at("rate").as<double>().back();
  return optimizer;
}

sgd torch_sgd(const std::string& name) {
  const auto file = tests::reference(name);
  const auto number = [&](const char* key) {
    return tests::hyper_parameter(file, key).template get<double>();
  };
  return {.momentum = number("momentum"), .weight_decay = number("weight_decay"), .decay_all = true};
}

using three_layers = three_layer_head<12, 10, bias::no, bias::yes>;
using lightly_head = simclr_head<16, 8, affine::both>;
template <class Images>
using barlow_twins_of = barlow_twins<Images, trunk, three_layers>;
template <class Images>
using vicreg_of = vicreg<Images, trunk, three_layers>;
template <class Images>
using dcl_of = dcl<Images, trunk, lightly_head>;
template <class Images>
using frossl_of = frossl<Images, trunk, three_layers>;
template <class Images>
using hypersphere_of = hypersphere<Images, trunk, lightly_head>;
template <class Images>
using moco_v3_of = moco_v3<Images, trunk, moco_v3_head<24, 8>, byol_head<24, 8, bias::no>>;

}  // namespace

TEST_CASE("ten steps of Barlow Twins agree with lightly's parts and the official LARS") {
  const std::string name = "barlow_twins_ten_steps";
  agrees<barlow_twins_of>(name, official_lars(name),
                          [](auto& method, const auto& number) { method.loss.lambda = number("lam"); });
}

TEST_CASE("ten steps of VICReg agree with lightly's parts and the official LARS") {
  const std::string name = "vicreg_ten_steps";
  agrees<vicreg_of>(name, official_lars(name), [](auto& method, const auto& number) {
    method.loss = {number("invariance"), number("variance"), number("covariance")};
  });
}

TEST_CASE("five steps of DCL and of DCLW agree with lightly") {
  agrees<dcl_of>("dcl_five_steps", torch_sgd("dcl_five_steps"),
                 [](auto& method, const auto& number) { method.loss.temperature = number("temperature"); });
  agrees<dcl_of>("dclw_five_steps", torch_sgd("dclw_five_steps"), [](auto& method, const auto& number) {
    method.loss = {number("temperature"), number("sigma")};
  });
}

TEST_CASE("five steps of alignment and uniformity agree with lightly") {
  const std::string name = "align_uniform_five_steps";
  agrees<hypersphere_of>(name, torch_sgd(name), [](auto& method, const auto& number) {
    method.loss = {number("t"), number("weight")};
  });
}

TEST_CASE("five steps of FroSSL agree with lightly") {
  const std::string name = "frossl_five_steps";
  agrees<frossl_of>(name, torch_sgd(name), [](auto&, const auto&) {});
}

TEST_CASE("ten steps of MoCo v3 agree with its official code") {
  const std::string name = "moco_v3_ten_steps";
  agrees<moco_v3_of>(name, official_lars(name), [](auto& method, const auto& number) {
    method.loss.temperature = number("temperature");
  });
}

TEST_CASE("every gradient of these methods matches finite differences") {
  using images = shape<8, 8, 3>;
  const auto matches = [](const gradient_check_result& found) {
    CHECK_MESSAGE(found.error < 1e-5, found.text());
    CHECK(found.compared > 50);
  };
  matches(check_method<barlow_twins_of<images>>({}, {.batch = 6, .seed = 3}));
  matches(check_method<vicreg_of<images>>({}, {.batch = 6, .seed = 3}));
  matches(check_method<dcl_of<images>>({.loss = {.temperature = 0.5}}, {.batch = 6, .seed = 3}));
  matches(check_method<frossl_of<images>>({}, {.batch = 6, .seed = 3}));
  matches(check_method<hypersphere_of<images>>({}, {.batch = 6, .seed = 3}));
  // The target moves in `learn`: with momentum 1 it stays where it is.
  matches(check_method<moco_v3_of<images>>({}, {.batch = 6, .seed = 3}));
}

TEST_CASE(
    "a target that moves before the step absorbs the weights of the step before, with this step's momentum") {
  using method = moco_v3_of<shape<8, 8, 3>>;
  trainer<method, on<cpu, fp64>, sgd> t{{}, {}, 3};
  t.start(method::parameters, 3, 4);
  auto& m = t.memory();
  const auto pixels = tests::normal_numbers(8 * 8 * 8 * 3, 7);
  const std::vector<double> online{m.value.data(), m.value.data() + method::target_size},
      target{m.target_values.data(), m.target_values.data() + method::target_size};
  t.step({pixels.data(), 8}, {.learning_rate = 0.1, .target_momentum = 0.75});
  for (const parameter& p : parameters_of<method::trunk, shape<8, 8, 3>>)
    if (p.role == parameter_role::trainable)
      for (std::size_t i = p.offset; i < p.offset + p.size(); ++i)
        REQUIRE(m.target_values.data()[i] ==
                doctest::Approx(0.75 * target[i] + 0.25 * online[i]).epsilon(1e-14));
}
