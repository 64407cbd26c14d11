#include "support/reference.hpp"

#include <vector>

#include <pretext/cpu.hpp>
#include <pretext/io/torch_weights.hpp>

using namespace pretext;

namespace {

/// Units of 8 x 8 pixels, three fifths of them rounded up, masked as given: (n, patches), 1: masked.
struct given_masks : block_masking<8> {
  const double* masked = nullptr;

  template <class Grid, class Context>
  masks_of<given_masks, Grid> draw(Context& context, std::size_t batch) const {
    return masks_by_noise<masks_of<given_masks, Grid>>(context, batch, masked);
  }
};

using images = shape<24, 24, 3>;
using method = simmim<images, vit<4, 16, 2, 2, supervised_init>, given_masks>;

template <class T>
safetensors torch_tensors(const T* data) {
  safetensors file;
  append_torch_tensors<T>(method::parameters, data, "", file);
  return file;
}

/// A key's bias has no gradient but rounding errors, which AdamW normalises to full steps.
bool has_key_bias(const parameter& p) { return p.name().ends_with("qkv.bias"); }

template <class Context>
void five_steps_agree(const safetensors& file, double tolerance) {
  using T = typename Context::activation;
  const auto number = [&](const char* name) { return tests::hyper_parameter(file, name).get<double>(); };
  const auto betas = tests::hyper_parameter(file, "betas").get<std::vector<double>>();
  const clipped<adamw> optimizer{
      .optimizer = {.beta1 = betas[0], .beta2 = betas[1], .weight_decay = number("weight_decay")},
      .norm = number("clip_grad"),
      .by = clip_by::whole};
  trainer<method, Context, clipped<adamw>> learner{method{}, optimizer, {.seed = 1, .threads = 2}};
  auto& m = learner.memory();
  read_torch_tensors<T>(method::parameters, file, "before.", m.value.data());

  const auto losses = file.at("loss").as<double>();
  for (std::size_t k = 0; k < losses.size(); ++k) {
    CAPTURE(k);
    const auto pixels = tests::channels_last<T>(file.at("image." + std::to_string(k)));
    const auto masked = file.at("mask." + std::to_string(k)).as<double>();
    const std::size_t batch = pixels.size() / images::size;
    const reads<Context, images> views{pixels.data(), batch};
    learner.method().masking.masked = masked.data();
    if (k == 0) {
      std::vector<T> predicted(batch * method::reconstruction::size);
      learner.method().reconstruct(learner.context(), m, views, {}, {predicted.data(), batch});
      CHECK(tests::relative_difference(predicted, file.at("prediction.0").as<double>()) < tolerance);
    }
    const double loss = learner.step(views, {.learning_rate = number("learning_rate")});
    CHECK(std::abs(loss - losses[k]) < tolerance * losses[k]);
    if (k > 0) continue;
    const safetensors gradients = torch_tensors<T>(m.gradient.data());
    for (const parameter& p : method::parameters) {
      CAPTURE(p.path);
      CHECK(tests::relative_difference(gradients.at(p.path).template as<T>(),
                                       file.at("grad." + std::string{p.name()}).as<double>()) < tolerance);
    }
  }
  const safetensors after = torch_tensors<T>(m.value.data());
  for (const parameter& p : method::parameters) {
    if (std::same_as<T, float> && has_key_bias(p)) continue;
    CAPTURE(p.path);
    CHECK(tests::relative_difference(after.at(p.path).template as<T>(),
                                     file.at("after." + std::string{p.name()}).as<double>()) < tolerance);
  }
}

}  // namespace

TEST_CASE("five steps of SimMIM agree with its equations in torch: predictions, losses, gradients, weights") {
  const auto file = tests::reference("simmim_five_steps");
  five_steps_agree<on<cpu, fp64>>(file, 1e-9);
  five_steps_agree<on<cpu>>(file, 1e-4);
}
