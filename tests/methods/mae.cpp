#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <pretext/methods/mae.hpp>
#include <pretext/training/initialise.hpp>

using namespace pretext;

namespace {

template <class Method>
constexpr std::size_t encoder_count =
    trainable_count(parameters_of<typename Method::encoder, typename Method::images>);
template <class Method>
constexpr std::size_t decoder_count = trainable_count(Method::parameters) - encoder_count<Method>;

/// Multiply-accumulates of the official code, which projects every patch before it drops most of them and
/// predicts every position. `Seen` tokens enter the encoder's blocks.
template <class Method, std::size_t Seen>
constexpr double official_multiply_adds = [] {
  using encoder = typename Method::encoder;
  using tokens = shape<Seen, encoder::width>;
  using decoder = typename Method::decoder;
  using all = masks<typename Method::grid, Method::mask::visible>;
  // Our decoder's norm and last layer run on masked positions only, the official ones on all.
  const double last = double(channels_of<typename Method::prediction>) * double(decoder::width) *
                      double(Method::grid::patches - Method::mask::masked + 1);
  return double(macs<typename encoder::embedding, typename Method::images>) +
         double(macs<typename encoder::trunk, tokens>) +
         double(Seen - Method::mask::visible - 1) * double(encoder::width * decoder::width) +
         double(decoder::template macs<typename Method::tokens, all>()) + last;
}();

template <class Method>
constexpr double masked_cost = official_multiply_adds<Method, Method::mask::visible + 1>;
template <class Method>
constexpr double whole_cost = official_multiply_adds<Method, Method::grid::patches + 1>;

constexpr bool within_a_hundredth(double found, double expected) {
  return found > 0.99 * expected && found < 1.01 * expected;
}

}  // namespace

TEST_CASE("the published sizes have the official parameter counts") {
  static_assert(encoder_count<mae_vit_base_16> == 85'647'360 && decoder_count<mae_vit_base_16> == 26'008'320);
  static_assert(encoder_count<mae_vit_large_16> == 303'099'904 &&
                decoder_count<mae_vit_large_16> == 26'139'392);
  static_assert(encoder_count<mae_vit_huge_14> == 630'435'840 &&
                decoder_count<mae_vit_huge_14> == 26'178'124);
  // The tables of fixed positions of encoder and decoder are counted separately.
  static_assert(parameter_count(mae_vit_base_16::parameters) - trainable_count(mae_vit_base_16::parameters) ==
                197 * 768 + 197 * 512);
  static_assert(mae_vit_huge_14::mask::visible == 64 && mae_vit_base_16::mask::visible == 49);
}

TEST_CASE("masking saves the published share of multiply-adds, within one in a hundred") {
  // Forward, in units of 10^9: encoder and decoder with a quarter of the tokens, with all, and their ratio.
  static_assert(within_a_hundredth(masked_cost<mae_vit_base_16>, 9.78e9));
  static_assert(within_a_hundredth(masked_cost<mae_vit_large_16>, 20.76e9));
  static_assert(within_a_hundredth(masked_cost<mae_vit_huge_14>, 48.56e9));
  static_assert(within_a_hundredth(whole_cost<mae_vit_base_16>, 22.99e9));
  static_assert(within_a_hundredth(whole_cost<mae_vit_large_16>, 67.01e9));
  static_assert(within_a_hundredth(whole_cost<mae_vit_huge_14>, 174.55e9));
  static_assert(within_a_hundredth(whole_cost<mae_vit_base_16> / masked_cost<mae_vit_base_16>, 2.35));
  static_assert(within_a_hundredth(whole_cost<mae_vit_large_16> / masked_cost<mae_vit_large_16>, 3.23));
  static_assert(within_a_hundredth(whole_cost<mae_vit_huge_14> / masked_cost<mae_vit_huge_14>, 3.59));
  // A decoder of one block.
  using shallow = mae<shape<224, 224, 3>, vit_large<16>, mae_decoder<512, 1, 16>>;
  static_assert(within_a_hundredth(whole_cost<mae_vit_large_16> / masked_cost<shallow>, 4.15));
  // We project visible patches only and predict masked ones only.
  static_assert(double(mae_vit_base_16::macs) < 0.992 * masked_cost<mae_vit_base_16>);
}

TEST_CASE("parameters carry the official names, the encoder's come first") {
  using method = mae<shape<16, 16, 3>, vit<4, 16, 1, 2>, mae_decoder<8, 1, 2>>;
  std::vector<std::string> block;
  for (const char* layer : {"norm1", "attn.qkv", "attn.proj", "norm2", "mlp.fc1", "mlp.fc2"})
    for (const char* kind : {"weight", "bias"}) block.push_back(std::string{layer} + "." + kind);
  std::vector<std::string> expected{"cls_token", "pos_embed", "patch_embed.proj.weight",
                                    "patch_embed.proj.bias"};
  for (const auto& leaf : block) expected.push_back("blocks.0." + leaf);
  for (const char* name : {"norm.weight", "norm.bias"}) expected.push_back(name);
  const std::size_t of_encoder = expected.size();
  for (const char* name : {"decoder_embed.weight", "decoder_embed.bias", "mask_token", "decoder_pos_embed"})
    expected.push_back(name);
  for (const auto& leaf : block) expected.push_back("decoder_blocks.0." + leaf);
  for (const char* name :
       {"decoder_norm.weight", "decoder_norm.bias", "decoder_pred.weight", "decoder_pred.bias"})
    expected.push_back(name);
  std::vector<std::string> found;
  for (const parameter& p : method::parameters) found.emplace_back(p.name());
  CHECK(found == expected);
  CHECK(method::parameters[of_encoder].offset == method::encoder_size);
}

TEST_CASE(
    "initial weights are the official ones; tokens decay, biases and norms do not, positions stay fixed") {
  using method = mae_vit_base_16;
  const auto find = [](std::string_view name) {
    return *std::ranges::find_if(method::parameters, [&](const parameter& p) { return p.name() == name; });
  };
  const auto bound = [&](const char* name) {
    const parameter p = find(name);
    CHECK(p.init.distribution == initialiser::kind::uniform);
    return p.init.scale;
  };
  CHECK(bound("patch_embed.proj.weight") == doctest::Approx(0.0625).epsilon(1e-6));
  CHECK(bound("patch_embed.proj.bias") == doctest::Approx(0.0360844).epsilon(1e-5));
  CHECK(bound("blocks.11.attn.qkv.weight") == doctest::Approx(0.0441942).epsilon(1e-5));
  CHECK(bound("blocks.0.mlp.fc1.weight") == doctest::Approx(0.0395285).epsilon(1e-5));
  CHECK(bound("decoder_embed.weight") == doctest::Approx(std::sqrt(6.0 / (768 + 512))).epsilon(1e-9));
  CHECK(bound("decoder_blocks.7.attn.qkv.weight") == doctest::Approx(std::sqrt(6.0 / 2048)).epsilon(1e-9));
  CHECK(bound("decoder_pred.weight") == doctest::Approx(std::sqrt(6.0 / (512 + 768))).epsilon(1e-9));
  for (const parameter& p : method::parameters) {
    CAPTURE(p.path);
    const bool token = p.name().ends_with("_token"), position = p.name().ends_with("pos_embed");
    if (token) CHECK(p.init == initialiser::normal(0.02));
    CHECK((p.role == parameter_role::constant) == position);
    if (p.name().ends_with("bias") && !p.name().starts_with("patch_embed"))
      CHECK(p.init == initialiser::constant(0));
    // MAE decays parameters of two or more dimensions, tokens included.
    if (!position) CHECK((p.weight_decay == parameter_decay::yes) == (p.rank > 1));
  }
}
