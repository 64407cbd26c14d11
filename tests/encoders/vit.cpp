// Tests of vit.hpp, and of the concepts of encoders, mask modes, decoders and masking rules, which meet in
// it.
#include <pretext/encoders/masked/mask_token.hpp>
#include <pretext/encoders/masked/visible_only.hpp>
#include <pretext/encoders/resnet.hpp>
#include <pretext/encoders/vit.hpp>
#include <pretext/heads/concepts.hpp>
#include <pretext/heads/decoder.hpp>
#include <pretext/heads/linear_decoder.hpp>
#include <pretext/masking/block_masking.hpp>
#include <pretext/masking/random_masking.hpp>

#include "support/gradient_check.hpp"
#include "support/same_bits.hpp"

using namespace pretext;

namespace {

using large = shape<224, 224, 3>;
using tiny = shape<32, 32, 3>;
template <class E, class In>
constexpr std::size_t learned = trainable_count(parameters_of<E, In>);
template <class E, class In>
constexpr std::size_t with_head = learned<E, In> + output_of<E, In>::size * 1000 + 1000;

}  // namespace

// Trainable parameters of MAE's encoders; the table of positions is saved, too, but constant.
static_assert(learned<vit_base<16>, large> == 85'647'360);
static_assert(learned<vit_large<16>, large> == 303'099'904);
static_assert(learned<vit_huge<14>, large> == 630'435'840);
static_assert(weight_count<vit_base<16>, large> == 85'647'360 + 197 * 768);

// Trunks with learned positions, with and without a classifier of 1000 classes.
static_assert(learned<vit_tiny<16, supervised_init>, large> == 5'524'416);
static_assert(learned<vit_small<16, supervised_init>, large> == 21'665'664);
static_assert(learned<vit_base<16, supervised_init>, large> == 85'798'656);
static_assert(learned<vit_large<16, supervised_init>, large> == 303'301'632);
static_assert(learned<vit_huge<14, supervised_init>, large> == 630'764'800);
static_assert(with_head<vit_tiny<16, supervised_init>, large> == 5'717'416);
static_assert(with_head<vit_small<16, supervised_init>, large> == 22'050'664);
static_assert(with_head<vit_base<16, supervised_init>, large> == 86'567'656);
static_assert(with_head<vit_large<16, supervised_init>, large> == 304'326'632);
static_assert(with_head<vit_huge<14, supervised_init>, large> == 632'045'800);
static_assert(learned<vit_tiny<2, supervised_init>, tiny> == 5'390'784);
static_assert(learned<vit_tiny<4, supervised_init>, tiny> == 5'360'832);
static_assert(learned<vit_small<2, supervised_init>, tiny> == 21'398'400);
static_assert(learned<vit_small<4, supervised_init>, tiny> == 21'338'496);
static_assert(learned<vit_base<2, supervised_init>, tiny> == 85'264'128);
static_assert(learned<vit_base<4, supervised_init>, tiny> == 85'144'320);

// The parameters of one block.
static_assert(weight_count<transformer_block<3>, shape<197, 192>> == 444'864);
static_assert(weight_count<transformer_block<16>, shape<257, 1280>> == 19'677'440);

static_assert(std::same_as<output_of<vit_tiny<16>, large>, shape<192>>);
static_assert(std::same_as<output_of<vit_tiny<4>, shape<16, 32, 1>>, shape<192>>,
              "images need neither be square nor have three channels");
static_assert(!Accepts<vit_tiny<16>, shape<100, 100, 3>>, "patches fill the image");
static_assert(Layer<vit_tiny<4>, tiny, on<cpu>>);

namespace {

using grid = patch_grid<tiny, 4>;
using masked = masks_of<random_masking<>, grid>;
using visible_tokens = drop_masked::network<vit_tiny<4>, masked>::output;
using all_tokens = mask_tokens::network<vit_tiny<4>, masked>::output;
struct no_part {};

}  // namespace

static_assert(Encoder<resnet18<stem::cifar, 4>, tiny> && !Encoder<layer_norm, tiny> &&
              !Encoder<no_part, tiny>);
static_assert(PatchEncoder<vit_tiny<4>, tiny> && !PatchEncoder<resnet18<stem::cifar, 4>, tiny>);
static_assert(MaskingOn<block_masking<8>, grid, on<cpu>> && Masking<block_masking<8>, grid> &&
              !Masking<no_part, grid> && !MaskSet<grid> && MaskSet<masked>);
static_assert(MaskMode<drop_masked, vit_tiny<4>, masked> && !MaskMode<no_part, vit_tiny<4>, masked>);
static_assert(MaskModeOn<drop_masked, vit_tiny<4>, masked, on<cpu>> &&
              MaskModeOn<mask_tokens, vit_tiny<4>, masked, on<cpu, fp64>>);
static_assert(DecoderOn<mae_decoder<16, 1, 2>, visible_tokens, masked, on<cpu>> &&
              DecoderOn<linear_decoder, all_tokens, masked, on<cpu>> &&
              !Decoder<no_part, all_tokens, masked>);

TEST_CASE("parameters have the official MAE's and timm's names, in timm's order") {
  constexpr auto table = parameters_of<vit_base<16>, large>;
  CHECK(table.size() == 4 + 12 * 12 + 2);
  CHECK(table[0].name() == "cls_token");
  CHECK(table[1].name() == "pos_embed");
  CHECK(table[1].extents == std::array<std::size_t, 4>{1, 197, 768, 0});
  CHECK(table[2].name() == "patch_embed.proj.weight");
  CHECK(table[2].extents == std::array<std::size_t, 4>{768, 3, 16, 16});
  CHECK(table[4].name() == "blocks.0.norm1.weight");
  CHECK(table[4 + 12 * 11 + 6].name() == "blocks.11.norm2.weight");
  CHECK(table.back().name() == "norm.bias");
  constexpr auto tuned = parameters_of<vit_base<16, mae_fine_tuning>, large>;
  CHECK(tuned.back().name() == "fc_norm.bias");
}

TEST_CASE("the offsets of a vision transformer's parts are those of its table, for any number of tokens") {
  using net = vit_tiny<4>;
  constexpr auto table = parameters_of<net, tiny>;
  CHECK(table[0].offset == net::position_embedding_at);
  CHECK(table[2].offset == net::embedding_at<tiny>);
  CHECK(table[4].offset == net::trunk_at<tiny>);
  CHECK(table[table.size() - 2].offset == net::norm_at<tiny>);
  constexpr auto trunk = parameters_of<net::trunk, shape<17, 192>>;
  REQUIRE(trunk.size() == table.size() - 4);
  for (std::size_t i = 0; i < trunk.size(); ++i) {
    CHECK(trunk[i].name() == table[4 + i].name());
    CHECK(trunk[i].offset + net::trunk_at<tiny> == table[4 + i].offset);
  }
}

TEST_CASE(
    "weight decay applies to matrices and, in MAE's pretraining, to the class token; never to biases, norms, "
    "positions") {
  const auto decays = [](const auto& table) {
    for (const parameter& p : table) {
      CAPTURE(p.path);
      if (p.name() != "cls_token" && p.name() != "pos_embed")
        CHECK((p.weight_decay == parameter_decay::yes) == (p.rank > 1));
    }
    return table[0].weight_decay == parameter_decay::yes;
  };
  CHECK(decays(parameters_of<vit_tiny<4>, tiny>));
  CHECK(!decays(parameters_of<vit_tiny<4, mae_fine_tuning>, tiny>));
  CHECK(!decays(parameters_of<vit_tiny<4, supervised_init>, tiny>));
  CHECK(parameters_of<vit_tiny<4>, tiny>[1].role == parameter_role::constant);
  CHECK(parameters_of<vit_tiny<4, mae_fine_tuning>, tiny>[1].role == parameter_role::trainable);
  CHECK(parameters_of<vit_tiny<4, mae_fine_tuning>, tiny>[1].weight_decay == parameter_decay::no);
}

TEST_CASE("qkv and the first linear layer of ViT-B have MAE's initial distributions") {
  constexpr auto table = parameters_of<vit_base<16>, large>;
  CHECK(table[6].name() == "blocks.0.attn.qkv.weight");
  CHECK(table[6].init.scale == doctest::Approx(.0441942).epsilon(1e-5));
  CHECK(table[12].name() == "blocks.0.mlp.fc1.weight");
  CHECK(table[12].init.scale == doctest::Approx(.0395285).epsilon(1e-5));
  CHECK(table[7].init == initialiser::constant(0));
  CHECK(table[0].init == initialiser::normal(.02));
}

namespace {
struct tuned_class_token : mae_fine_tuning {
  static constexpr token_pooling feature = token_pooling::class_token;
};
}  // namespace

TEST_CASE("every gradient of a whole vision transformer matches finite differences, with either feature") {
  using image = shape<4, 6, 2>;
  tests::gradients_match_finite_differences<vit<2, 8, 2, 2>, image>(2);
  tests::gradients_match_finite_differences<vit<2, 8, 2, 2, mae_fine_tuning>, image>(2);
  tests::gradients_match_finite_differences<vit<2, 8, 1, 2, tuned_class_token>, image>(2);
}

TEST_CASE("a vision transformer computes the same bits with 1, 2 and 3 threads") {
  tests::same_bits_for_any_threads<vit<4, 24, 2, 3, supervised_init>, shape<16, 8, 3>>(19);
}

TEST_CASE("a second step of a vision transformer allocates nothing") {
  using net = vit<4, 24, 2, 3>;
  using In = shape<16, 16, 3>;
  on<cpu> context;
  std::vector<float> w(weight_count<net, In>, 0.1f), dw(w.size()), x(4 * In::size, 0.5f), y(4 * 24);
  cache_of<net, In, on<cpu>> cache;
  const float* first = nullptr;
  std::size_t peak = 0;
  for (int step = 0; step < 4; ++step) {
    context.activations.reset();
    net::forward(context, weights<on<cpu>>{w.data(), nullptr}, reads<on<cpu>, In>{x.data(), 4},
                 writes<on<cpu>, shape<24>>{y.data(), 4}, cache);
    net::backward(context, weights<on<cpu>>{w.data(), dw.data()}, cache,
                  reads<on<cpu>, shape<24>>{y.data(), 4}, writes<on<cpu>, In>{nullptr, 4});
    if (step == 2) first = cache.normalised.x.data, peak = context.activations.peak();
  }
  CHECK(cache.normalised.x.data == first);
  CHECK(context.activations.peak() == peak);
}
