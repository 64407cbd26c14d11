#include "support/gradient_check.hpp"
#include "support/lockstep.hpp"
#include "support/thin_trunk.hpp"

#include <numbers>

#include <pretext/kernels/cpu/nt_xent.hpp>
#include <pretext/kernels/cpu/optimize.hpp>
#include <pretext/methods/simclr.hpp>
#include <pretext/optimizers/lars.hpp>
#include <pretext/training/trainer.hpp>

using namespace pretext;

namespace {

/// SimCLR with lightly's head and loss and the official MAE repository's LARS, in the initial state of a
/// case.
template <std::size_t Side, std::size_t Hidden, std::size_t Out, class Context>
struct run {
  using T = typename Context::activation;
  using images = shape<Side, Side, 3>;
  using method = simclr<images, tests::thin_trunk<basic_block, 8>, simclr_head<Hidden, Out, affine::both>>;

  const safetensors& file;
  double tolerance;
  trainer<method, Context, lars> learner{method{.loss = {.temperature = number("temperature")}},
                                         lars{.momentum = number("momentum"),
                                              .weight_decay = number("weight_decay"),
                                              .trust_coefficient = number("trust_coefficient"),
                                              .variant = lars_variant::byol},
                                         1, cpu::stream{2}};

  run(const safetensors& from, double within) : file{from}, tolerance{within} {
    read_torch_tensors<T>(method::parameters, file, "before.", learner.memory().value.data());
  }
  double number(const char* name) const { return tests::hyper_parameter(file, name).template get<double>(); }

  void step(std::size_t k) {
    const auto views = tests::views_of_step<T>(file, k);
    const auto losses = file.at("loss").template as<double>();
    const double rate =
        number("learning_rate") * 0.5 * (1 + std::cos(std::numbers::pi * double(k) / double(losses.size())));
    const double loss = learner.step(reads<Context, images>{views.data(), views.size() / images::size},
                                     {.learning_rate = rate});
    CAPTURE(k);
    CHECK(std::abs(loss - losses[k]) < tolerance * std::abs(losses[k]));
  }
  auto gradients() { return tests::gradients_of<T>(method::parameters, learner.memory().gradient.data()); }
  auto first_gradients() const {
    return tests::gradients_of(method::parameters, file,
                               [](const parameter& p) { return "grad." + std::string{p.name()}; });
  }
  void end_agrees() {
    tests::weights_agree<T>(method::parameters, learner.memory().value.data(), file, "after.", tolerance);
  }
};

template <std::size_t Side, std::size_t Hidden, std::size_t Out>
void ten_steps_agree(const safetensors& file) {
  using twice = run<Side, Hidden, Out, on<cpu, fp64>>;
  tests::lockstep(twice{file, 1e-9}, run<Side, Hidden, Out, on<cpu>>{file, 1e-4}, twice{file, 1e-3},
                  file.at("loss").shape[0]);
}

}  // namespace

TEST_CASE(
    "ten steps of SimCLR agree with lightly and torchvision: losses, gradients, weights, running "
    "statistics") {
  const auto file = tests::reference("simclr_ten_steps");
  REQUIRE(file.at("before.backbone.conv1.weight").shape[0] == 8);
  REQUIRE(file.at("before.projection_head.layers.3.weight").shape == std::vector<std::size_t>{8, 16});
  switch (const auto side = file.at("view1.0").shape[2]) {
    case 8:
      return ten_steps_agree<8, 16, 8>(file);
    case 12:
      return ten_steps_agree<12, 16, 8>(file);
    default:
      FAIL("no test is compiled for images of ", side, " pixels");
  }
}
