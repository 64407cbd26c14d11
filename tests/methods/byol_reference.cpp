#include "support/gradient_check.hpp"
#include "support/lockstep.hpp"
#include "support/thin_trunk.hpp"

#include <pretext/kernels/cpu/cosine_regression.hpp>
#include <pretext/kernels/cpu/optimize.hpp>
#include <pretext/methods/byol.hpp>
#include <pretext/optimizers/lars.hpp>
#include <pretext/optimizers/schedule.hpp>
#include <pretext/training/trainer.hpp>

using namespace pretext;

namespace {

/// BYOL with lightly's heads and the official MAE repository's LARS, in the initial state of a case.
template <std::size_t Side, class Context>
struct run {
  using T = typename Context::activation;
  using images = shape<Side, Side, 3>;
  using method = byol<images, tests::thin_trunk<basic_block, 8>, byol_head<24, 8, bias::no, bias::yes>>;

  const safetensors& file;
  double tolerance;
  trainer<method, Context, lars> learner{{},
                                         lars{.momentum = number("momentum"),
                                              .weight_decay = number("weight_decay"),
                                              .trust_coefficient = number("trust_coefficient"),
                                              .variant = lars_variant::byol},
                                         1,
                                         cpu::stream{2}};
  // The file has encoder and projector in one module, the predictor in another; the table has all three.
  std::span<const parameter> trunk{parameters_of<typename method::trunk, images>};
  std::span<const parameter> head = std::span<const parameter>{method::parameters}.subspan(trunk.size());

  run(const safetensors& from, double within) : file{from}, tolerance{within} {
    auto& m = learner.memory();
    read_torch_tensors<T>(trunk, file, "before.online.", m.value.data());
    read_torch_tensors<T>(head, file, "before.", m.value.data());
    read_torch_tensors<T>(trunk, file, "before.target.", m.target_values.data());
  }
  double number(const char* name) const { return tests::hyper_parameter(file, name).template get<double>(); }

  void step(std::size_t k) {
    const auto views = tests::views_of_step<T>(file, k);
    const cosine_momentum_schedule momentum{.base = number("tau_base"), .length = number("K")};
    const double loss = learner.step(
        reads<Context, images>{views.data(), views.size() / images::size},
        {.learning_rate = number("learning_rate"), .target_momentum = momentum(static_cast<double>(k))});
    const double expected = file.at("loss").template as<double>()[k];
    CAPTURE(k);
    CHECK(std::abs(loss - expected) < tolerance * std::abs(expected));
  }
  auto gradients() { return tests::gradients_of<T>(method::parameters, learner.memory().gradient.data()); }
  auto first_gradients() const {
    return tests::gradients_of(method::parameters, file, [](const parameter& p) {
      const std::string name{p.name()};
      return (name.starts_with("prediction_head") ? "grad." : "grad.online.") + name;
    });
  }
  void end_agrees() {
    auto& m = learner.memory();
    tests::weights_agree(trunk, m.value.data(), file, "after.online.", tolerance);
    tests::weights_agree(head, m.value.data(), file, "after.", tolerance);
    tests::weights_agree(trunk, m.target_values.data(), file, "after.target.", tolerance);
  }
};

template <std::size_t Side>
void ten_steps_agree(const safetensors& file) {
  using twice = run<Side, on<cpu, fp64>>;
  tests::lockstep(twice{file, 1e-9}, run<Side, on<cpu>>{file, 1e-4}, twice{file, 1e-3},
                  file.at("loss").shape[0]);
}

}  // namespace

TEST_CASE(
    "ten steps of BYOL agree with lightly and torchvision: losses, gradients, weights and running "
    "statistics of both networks") {
  const auto file = tests::reference("byol_ten_steps");
  REQUIRE(file.at("before.online.backbone.conv1.weight").shape[0] == 8);
  REQUIRE(file.at("before.prediction_head.layers.0.weight").shape == std::vector<std::size_t>{24, 8});
  switch (const auto side = file.at("view1.0").shape[2]) {
    case 8:
      return ten_steps_agree<8>(file);
    case 12:
      return ten_steps_agree<12>(file);
    default:
      FAIL("no test is compiled for images of ", side, " pixels");
  }
}
