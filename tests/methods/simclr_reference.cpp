#include "../gradient_check.hpp"
#include "../reference.hpp"
#include "../thin_trunk.hpp"

#include <numbers>

#include <pretext/io/weights.hpp>
#include <pretext/kernels/cpu/nt_xent.hpp>
#include <pretext/kernels/cpu/optimize.hpp>
#include <pretext/methods/simclr.hpp>
#include <pretext/optimizers/lars.hpp>
#include <pretext/training/trainer.hpp>

using namespace pretext;

namespace {

/// Ten steps of SimCLR with lightly's head and loss and the official MAE repository's LARS.
template <std::size_t Side, std::size_t Hidden, std::size_t Out, class Place>
void ten_steps_agree(const safetensors& file, double tolerance) {
  using T = typename Place::activation;
  using images = shape<Side, Side, 3>;
  using method = simclr<images, tests::thin_trunk<basic_block, 8>, simclr_head<Hidden, Out, affine::both>>;
  const auto number = [&](const char* name) { return tests::hyper_parameter(file, name).get<double>(); };
  trainer<method, Place, lars> learner{
      method{.compare = {.temperature = static_cast<float>(number("temperature"))}},
      lars{.momentum = number("momentum"),
           .weight_decay = number("weight_decay"),
           .trust = number("trust_coefficient"),
           .variant = lars_variant::byol},
      1, cpu::stream{2}};
  auto& m = learner.memory();
  read_torch_tensors<T>(method::parameters, file, "before.", m.value.data());

  const auto losses = file.at("loss").as<double>();
  for (std::size_t k = 0; k < losses.size(); ++k) {
    auto views = tests::channels_last<T>(file.at("view1." + std::to_string(k)));
    const auto second = tests::channels_last<T>(file.at("view2." + std::to_string(k)));
    const std::size_t batch = 2 * views.size() / images::size;
    views.insert(views.end(), second.begin(), second.end());
    const double rate =
        number("learning_rate") * 0.5 * (1 + std::cos(std::numbers::pi * double(k) / double(losses.size())));
    const double loss = learner.step(reads<Place, images>{views.data(), batch}, rate);
    CAPTURE(k);
    CHECK(std::abs(loss - losses[k]) < tolerance * std::abs(losses[k]));
    if (k > 0) continue;
    safetensors gradients;
    append_torch_tensors<T>(method::parameters, m.gradient.data(), "", gradients);
    for (const parameter& p : method::parameters) {
      if (p.kind == role::running) continue;
      CAPTURE(p.path);
      CHECK(tests::relative_difference(gradients.at(p.path).template as<T>(),
                                       file.at("grad." + std::string{p.name()}).as<double>()) < tolerance);
    }
  }
  safetensors after;
  append_torch_tensors<T>(method::parameters, m.value.data(), "", after);
  for (const parameter& p : method::parameters) {
    CAPTURE(p.path);
    CHECK(tests::relative_difference(after.at(p.path).template as<T>(),
                                     file.at("after." + std::string{p.name()}).as<double>()) < tolerance);
  }
}

}  // namespace

TEST_CASE(
    "ten steps of SimCLR agree with lightly and torchvision: losses, gradients, weights, running "
    "statistics") {
  const auto file = tests::reference("simclr_ten_steps");
  REQUIRE(file.at("before.backbone.conv1.weight").shape[0] == 8);
  const auto side = file.at("view1.0").shape[2];
  const auto both = [&]<std::size_t Side, std::size_t Hidden, std::size_t Out>() {
    ten_steps_agree<Side, Hidden, Out, on<cpu, fp64>>(file, 1e-9);
    ten_steps_agree<Side, Hidden, Out, on<cpu>>(file, 1e-4);
  };
  REQUIRE(file.at("before.projection_head.layers.3.weight").shape == std::vector<std::size_t>{8, 16});
  switch (side) {
    case 8:
      return both.template operator()<8, 16, 8>();
    case 12:
      return both.template operator()<12, 16, 8>();
    default:
      FAIL("no test is compiled for images of ", side, " pixels");
  }
}
