#include "support/gradient_check.hpp"
#include "support/reference.hpp"

#include <pretext/encoders/vit.hpp>
#include <pretext/io/torch_weights.hpp>
#include <pretext/kernels/cpu/masked_pixels.hpp>
#include <pretext/kernels/cpu/masking.hpp>
#include <pretext/kernels/cpu/optimize.hpp>
#include <pretext/kernels/cpu/shuffled_tokens.hpp>
#include <pretext/methods/mae.hpp>
#include <pretext/optimizers/adamw.hpp>
#include <pretext/training/trainer.hpp>

using namespace pretext;

namespace {

/// Random masking by given noise.
struct given_noise : random_masking<> {
  const double* noise = nullptr;

  template <class Grid, class Context>
  masks_of<given_noise, Grid> draw(Context& context, std::size_t batch) const {
    return masks_by_noise<masks_of<given_noise, Grid>>(context, batch, noise);
  }
};

/// The extents of a case.
struct network {
  std::size_t img_size, patch_size, embed_dim, depth, num_heads, decoder_embed_dim, decoder_depth,
      decoder_num_heads;
  friend bool operator==(const network&, const network&) = default;
};

/// A small gradient is a difference of large ones. A key's bias has no gradient at all, because it adds the
/// same value to all scores of a row. In single precision rounding errors remain, and AdamW normalises them
/// to full steps; there only the bound of a step can be checked.
template <class T>
std::vector<T> without_keys(const parameter& p, std::vector<T> numbers) {
  if (p.name().ends_with("qkv.bias")) {
    const auto third = std::ptrdiff_t(numbers.size() / 3);
    numbers.erase(numbers.begin() + third, numbers.begin() + 2 * third);
  }
  return numbers;
}

/// Five steps of the official MAE with given noise and torch's AdamW.
template <network N, class Context>
void five_steps_agree(const safetensors& file, double tolerance) {
  using T = typename Context::activation;
  using images = shape<N.img_size, N.img_size, 3>;
  using method = mae<images, vit<N.patch_size, N.embed_dim, N.depth, N.num_heads>,
                     mae_decoder<N.decoder_embed_dim, N.decoder_depth, N.decoder_num_heads>, given_noise>;
  const auto number = [&](const char* name) { return tests::hyper_parameter(file, name).get<double>(); };
  REQUIRE(number("mask_ratio") == 0.75);
  const auto betas = tests::hyper_parameter(file, "betas").get<std::vector<double>>();
  trainer<method, Context, adamw> learner{
      method{.loss = {.normalise = tests::hyper_parameter(file, "norm_pix_loss").get<bool>()}},
      adamw{.beta1 = betas[0], .beta2 = betas[1], .weight_decay = number("weight_decay")}, 1, cpu::stream{2}};
  auto& m = learner.memory();
  // The positions of a fresh network are the official ones.
  safetensors fresh;
  append_torch_tensors<T>(method::parameters, m.value.data(), "", fresh);
  for (const char* name : {"pos_embed", "decoder_pos_embed"})
    CHECK(tests::relative_difference(fresh.at(name).template as<T>(),
                                     file.at("before." + std::string{name}).as<double>()) < 1e-6);
  read_torch_tensors<T>(method::parameters, file, "before.", m.value.data());

  const auto losses = file.at("loss").as<double>();
  for (std::size_t k = 0; k < losses.size(); ++k) {
    CAPTURE(k);
    auto pixels = tests::channels_last<T>(file.at("image." + std::to_string(k)));
    const auto noise = file.at("noise." + std::to_string(k)).as<double>();
    const std::size_t batch = pixels.size() / images::size;
    const reads<Context, images> views{pixels.data(), batch};
    learner.method().masking.noise = noise.data();
    if (k == 0) {
      std::vector<T> predicted(batch * method::reconstruction::size);
      learner.method().reconstruct(learner.context(), m, views, {}, {predicted.data(), batch});
      CHECK(tests::relative_difference(predicted, file.at("prediction.0").as<double>()) < tolerance);
    }
    const double loss = learner.step(views, {.learning_rate = number("learning_rate")});
    CHECK(std::abs(loss - losses[k]) < tolerance * std::abs(losses[k]));
    if (k > 0) continue;

    const auto mask = file.at("mask.0").as<double>(), all = file.at("prediction.0").as<double>();
    std::vector<double> expected;
    for (std::size_t row = 0; row < batch * method::grid::patches; ++row) {
      CHECK((m.masked.restore[row] >= method::mask::visible) == (mask[row] == 1));
      if (row % method::grid::patches < method::mask::visible) continue;
      const auto from = (row / method::grid::patches * method::grid::patches + m.masked.order[row]) *
                        method::grid::patch_dim;
      expected.insert(expected.end(), all.begin() + std::ptrdiff_t(from),
                      all.begin() + std::ptrdiff_t(from + method::grid::patch_dim));
    }
    CHECK(tests::relative_difference(std::vector<T>(m.predicted.data, m.predicted.data + m.predicted.size()),
                                     expected) < tolerance);
    safetensors gradients;
    append_torch_tensors<T>(method::parameters, m.gradient.data(), "", gradients);
    for (const parameter& p : method::parameters) {
      if (p.role != parameter_role::trainable) continue;
      CAPTURE(p.path);
      CHECK(tests::relative_difference(gradients.at(p.path).template as<T>(),
                                       file.at("grad." + std::string{p.name()}).as<double>()) < tolerance);
    }
  }
  safetensors after;
  append_torch_tensors<T>(method::parameters, m.value.data(), "", after);
  for (const parameter& p : method::parameters) {
    CAPTURE(p.path);
    auto found = after.at(p.path).template as<T>();
    auto expected = file.at("after." + std::string{p.name()}).as<double>();
    if constexpr (std::same_as<T, float>) {
      for (std::size_t i = 0; i < found.size(); ++i)
        CHECK(std::abs(double(found[i]) - expected[i]) < 2 * double(losses.size()) * number("learning_rate"));
      found = without_keys(p, found);
      expected = without_keys(p, expected);
    }
    CHECK(tests::relative_difference(found, expected) < tolerance);
  }
}

}  // namespace

TEST_CASE("five steps of MAE agree with the official model: predictions, masks, losses, gradients, weights") {
  const auto file = tests::reference("mae_five_steps");
  const auto extent = [&](const char* name) { return tests::hyper_parameter(file, name).get<std::size_t>(); };
  const network asked{extent("img_size"),      extent("patch_size"),       extent("embed_dim"),
                      extent("depth"),         extent("num_heads"),        extent("decoder_embed_dim"),
                      extent("decoder_depth"), extent("decoder_num_heads")};
  bool compiled = false;
  const auto both = [&]<network N>() {
    if (asked != N) return;
    compiled = true;
    five_steps_agree<N, on<cpu, fp64>>(file, 1e-9);
    five_steps_agree<N, on<cpu>>(file, 1e-4);
  };
  both.operator()<network{16, 4, 32, 2, 4, 16, 1, 4}>();
  both.operator()<network{24, 4, 48, 3, 3, 24, 2, 2}>();
  REQUIRE_MESSAGE(compiled, "no test is compiled for a network of these extents");
}
