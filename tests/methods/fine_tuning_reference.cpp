#include "support/gradient_check.hpp"
#include "support/reference.hpp"

#include <pretext/cpu.hpp>
#include <pretext/io/torch_weights.hpp>

using namespace pretext;
using doctest::Approx;

namespace {

/// Compares five steps of MAE's fine-tuning with timm's: mixed batches, soft targets, rates of each layer.
template <class Numerics, std::size_t Side>
void takes_the_same_steps(const safetensors& file, double tolerance) {
  using Context = on<cpu, Numerics>;
  using T = typename Context::activation;
  using images = shape<Side, Side, 3>;
  using method =
      classification<images, encoder<vit<4, 24, 2, 3, mae_fine_tuning>>, classifier<linear_classifier<5>>>;
  const auto number = [&](const char* name) {
    return tests::hyper_parameter(file, name).template get<double>();
  };
  const layer_decay<adamw> optimizer{{.beta2 = number("beta2"), .weight_decay = number("weight_decay")},
                                     number("layer_decay")};
  trainer<method, Context, layer_decay<adamw>> learner{method{}, optimizer, 1, cpu::stream{2}};
  auto& m = learner.memory();
  CHECK(read_torch_tensors<T>(method::parameters, file, "before.", m.value.data()).tensors ==
        method::parameters.size());
  const auto differs = [&](const char* prefix, const T* numbers) {
    double most = 0;
    for (const parameter& p : method::parameters) {
      // A key's bias has no gradient (softmax does not see it), and AdamW normalises its rounding errors to
      // full steps.
      if (std::is_same_v<T, float> && p.name().ends_with("qkv.bias")) continue;
      CAPTURE(p.path);
      safetensors ours;
      append_torch_tensors<T>(std::span{&p, 1}, numbers, "", ours);
      most = std::max(
          most, tests::relative_difference(ours.at(std::string{p.name()}).template as<T>(),
                                           file.at(prefix + std::string{p.name()}).template as<double>()));
    }
    return most;
  };

  const auto mixes = tests::hyper_parameter(file, "mixes").elements();
  const auto rates = tests::hyper_parameter(file, "rates").template get<std::vector<double>>();
  const auto losses = file.at("loss").template as<double>();
  for (std::size_t step = 0; step < losses.size(); ++step) {
    auto x = tests::channels_last<T>(file.at("images." + std::to_string(step)));
    const auto labels = file.at("labels." + std::to_string(step)).template as<int>();
    const std::size_t batch = labels.size();
    const auto drawn = mixes.at(step).elements();
    const auto side = [&](std::size_t i) { return drawn.at(i).template get<std::size_t>(); };
    const std::size_t top = side(2), bottom = side(3), left = side(4), right = side(5);
    const batch_mix chosen{drawn[0].template get<double>(),
                           drawn[1].template get<bool>(),
                           top,
                           left,
                           bottom - top,
                           right - left};
    const writes<Context, images> views{x.data(), batch};
    mix(learner.context(), chosen, views);
    mixed_targets(learner.context(), chosen, labels, number("smoothing"), m.soft_targets.resize(batch));
    CHECK(learner.step(reads<Context, images>{views}, {.learning_rate = rates[step]}) ==
          Approx(losses[step]).epsilon(tolerance));
    if (step == 0) CHECK(differs("gradient.", m.gradient.data()) < tolerance);
  }
  CHECK(differs("after.", m.value.data()) < tolerance);

  auto x = tests::channels_last<T>(file.at("images.0"));
  const std::size_t batch = x.size() / images::size;
  std::vector<T> logits(batch * 5);
  method::predict(learner.context(), m, reads<Context, images>{x.data(), batch},
                  writes<Context, typename method::embedding>{logits.data(), batch});
  CHECK(tests::relative_difference(logits, file.at("logits").template as<double>()) < tolerance);
}

}  // namespace

TEST_CASE(
    "MAE's fine-tuning takes timm's five steps: mixing, soft targets, layer decay, weight decay, "
    "predictions") {
  const auto file = tests::reference("fine_tuning_five_steps");
  const std::size_t side = file.at("images.0").shape.at(2);
  REQUIRE((side == 16 || side == 24));
  if (side == 16) {
    takes_the_same_steps<fp64, 16>(file, 1e-9);
    takes_the_same_steps<fp32, 16>(file, 1e-4);
  } else {
    takes_the_same_steps<fp64, 24>(file, 1e-9);
    takes_the_same_steps<fp32, 24>(file, 1e-4);
  }
}
