// Tests of vit_recipes.hpp: structures of vision transformers beside timm's.
#include <pretext/encoders/vit.hpp>

#include "support/gradient_check.hpp"
#include "support/reference.hpp"

#include <pretext/io/torch_weights.hpp>

using namespace pretext;

namespace {

/// The table of positions is that of 16-pixel images, resized as timm does it.
struct dynamic_dinov2 : dinov2_pretraining {
  using grid = shape<16, 16, 3>;
  static constexpr position_resampling resampling = position_resampling::antialiased;
};
struct free_class_token : supervised_init {
  static constexpr bool class_token_has_position = false;
};
struct learned_ijepa : ijepa_pretraining {
  static constexpr positions position = positions::learned;
};
struct small_grid : dinov2_pretraining {
  using grid = shape<8, 4, 2>;
};
struct dino_224 : dino_pretraining {
  using grid = shape<224, 224, 3>;
};
/// Registers in the official layout: the class token has a position.
struct positioned_registers : dinov2_pretraining {
  static constexpr std::size_t registers = 3;
  static constexpr token_pooling feature = token_pooling::mean;
};

template <std::size_t Patch, class Recipe>
using small = vit<Patch, 12, 2, 3, Recipe>;

/// The tokens after the last norm, from the parts.
template <class Net, class In, class Context, class T>
void infer_tokens(Context& context, const weights<Context>& own, const reads<Context, In>& images,
                  std::vector<T>& tokens) {
  using Tokens = typename Net::template tokens<In>;
  using Patches = typename Net::template patches<In>;
  std::vector<T> embedded(images.batch * Patches::size), sequence(tokens.size());
  Net::embedding::infer(context, own.at(Net::template embedding_at<In>), images,
                        writes<Context, Patches>{embedded.data(), images.batch});
  Net::template position_embedding<In>::infer(context, own,
                                              reads<Context, Patches>{embedded.data(), images.batch},
                                              writes<Context, Tokens>{sequence.data(), images.batch});
  Net::trunk::infer(context, own.at(Net::template trunk_at<In>),
                    reads<Context, Tokens>{sequence.data(), images.batch},
                    writes<Context, Tokens>{tokens.data(), images.batch});
}

/// Features, tokens and gradients of the case `name`; `weights_of` is the case that has the weights.
template <class Net, std::size_t Side, class Context>
void agrees(const safetensors& file, const std::string& name, const std::string& weights_of,
            double tolerance) {
  CAPTURE(name);
  using T = typename Context::activation;
  using In = shape<Side, Side, 3>;
  using Tokens = typename Net::template tokens<In>;
  using Feature = typename Net::feature;
  constexpr const auto& table = parameters_of<Net, In>;
  Context context{.stream = cpu::stream{2}};
  const auto x = tests::channels_last<T>(file.at(name + ".input"));
  const std::size_t batch = x.size() / In::size;
  std::vector<T> w(parameter_count(table)), dw(w.size()), h(batch * Feature::size),
      tokens(batch * Tokens::size);
  CHECK(read_torch_tensors<T>(table, file, weights_of + ".param.", w.data()).tensors == table.size());
  const weights<Context> own{w.data(), dw.data()};
  const reads<Context, In> images{x.data(), batch};
  const writes<Context, Feature> feature{h.data(), batch};
  const auto expected = file.at(name + ".feature").as<double>();
  Net::infer(context, own, images, feature);
  CHECK(tests::relative_difference(h, expected) < tolerance);
  cache_of<Net, In, Context> cache;
  Net::forward(context, own, images, feature, cache);
  CHECK(tests::relative_difference(h, expected) < tolerance);

  const auto dy = file.at(name + ".cotangent").as<T>();
  Net::backward(context, own, cache, reads<Context, Feature>{dy.data(), batch},
                writes<Context, In>{nullptr, batch});
  std::size_t compared = 0;
  for (const parameter& p : table) {
    const std::string gradient = name + ".grad." + std::string{p.name()};
    CAPTURE(gradient);
    if (!file.tensors.contains(gradient)) continue;
    std::vector<T> found(p.size());
    for (std::size_t i = 0; i < found.size(); ++i) found[i] = dw[p.offset + detail::flat_index(p, i)];
    CHECK(tests::relative_difference(found, file.at(gradient).as<double>()) < tolerance);
    ++compared;
  }
  CHECK(compared == (name == weights_of ? table.size() : 2));

  infer_tokens<Net, In>(context, own, images, tokens);
  CHECK(tests::relative_difference(tokens, file.at(name + ".tokens").as<double>()) < tolerance);
}

template <class Net, std::size_t Side>
void agrees(const std::string& name, const std::string& weights_of, double exact = 1e-10) {
  const auto file = read_safetensors(std::filesystem::path{PRETEXT_REFERENCE} / "vit_variants.safetensors");
  agrees<Net, Side, on<cpu, fp64>>(file, name, weights_of, exact);
  agrees<Net, Side, on<cpu>>(file, name, weights_of, 1e-4);
}

template <std::size_t N, std::size_t M>
constexpr bool same_table(const parameters<N>& a, const parameters<M>& b) {
  if (N != M) return false;
  for (std::size_t i = 0; i < std::min(N, M); ++i)
    if (a[i].name() != b[i].name() || a[i].extents != b[i].extents || a[i].offset != b[i].offset ||
        a[i].init != b[i].init)
      return false;
  return true;
}

}  // namespace

// One network for images of several sizes.
static_assert(same_table(parameters_of<vit_small<16, dino_224>, shape<224, 224, 3>>,
                         parameters_of<vit_small<16, dino_224>, shape<96, 96, 3>>));
static_assert(!same_table(parameters_of<vit_small<16>, shape<224, 224, 3>>,
                          parameters_of<vit_small<16>, shape<96, 96, 3>>));
static_assert(std::same_as<vit_small<16, dino_224>::tokens<shape<96, 96, 3>>, shape<37, 384>>);
static_assert(Layer<vit_tiny<16, dino_224>, shape<96, 128, 3>, on<cpu>>);

// The published numbers of parameters: DINOv2's S/14, with registers, and g/14 at 518 pixels in timm;
// I-JEPA's H/14 with learned positions is timm's vit_huge_patch14_gap_224.
static_assert(trainable_count(parameters_of<vit_small<14, dinov2_pretraining>, shape<518, 518, 3>>) ==
              22'056'192);
static_assert(trainable_count(parameters_of<vit_small<14, dinov2_registers>, shape<518, 518, 3>>) ==
              22'057'344);
static_assert(trainable_count(parameters_of<vit_giant<14>, shape<518, 518, 3>>) == 1'136'479'232);
static_assert(trainable_count(parameters_of<vit_huge<14, learned_ijepa>, shape<224, 224, 3>>) == 630'762'240);
// MoCo v3's patch embedding is in the table, with rate 0; I-JEPA's positions are constant and have no row of
// zeros.
static_assert(parameters_of<vit_small<16, moco_v3_pretraining>, shape<224, 224, 3>>[2].lr_multiplier == 0);
static_assert(parameters_of<vit_huge<14, ijepa_pretraining>, shape<224, 224, 3>>[0].extents[1] == 256);

TEST_CASE(
    "DINOv2's structure agrees with timm, also for images of other sizes, whose positions are resized") {
  using net = small<4, dynamic_dinov2>;
  agrees<net, 16>("dinov2", "dinov2");
  agrees<net, 8>("dinov2.8", "dinov2", 1e-6);  // timm resizes in single precision
  agrees<net, 24>("dinov2.24", "dinov2", 1e-6);
}

TEST_CASE("registers, gated perceptrons, no class token or one without a position agree with timm") {
  agrees<small<14, dinov2_registers>, 28>("registers", "registers");
  agrees<small<4, dinov2_giant>, 16>("giant", "giant");
  agrees<small<4, learned_ijepa>, 16>("ijepa", "ijepa");
  agrees<small<4, free_class_token>, 16>("free_class_token", "free_class_token");
}

TEST_CASE("SimMIM's feature is the mean of the normalised patch tokens, without the class token") {
  using net = small<4, simmim_pretraining>;
  using In = shape<8, 8, 3>;
  constexpr std::size_t batch = 2, count = net::tokens<In>::extents[0], width = 12;
  static_assert(count == 5);
  using context_type = on<cpu, fp64>;
  context_type context{};
  auto w = tests::normal_numbers(weight_count<net, In>, 1);
  const auto x = tests::normal_numbers(batch * In::size, 2);
  const weights<context_type> own{w.data()};
  std::vector<double> tokens(batch * count * width), h(batch * width);
  infer_tokens<net, In>(context, own, reads<context_type, In>{x.data(), batch}, tokens);
  net::infer(context, own, reads<context_type, In>{x.data(), batch},
             writes<context_type, net::feature>{h.data(), batch});

  std::vector<double> expected(h.size());
  for (std::size_t i = 0; i < batch; ++i)
    for (std::size_t t = 1; t < count; ++t)
      for (std::size_t c = 0; c < width; ++c)
        expected[i * width + c] += tokens[(i * count + t) * width + c] / (count - 1);
  CHECK(tests::relative_difference(h, expected) < 1e-12);
}

TEST_CASE("every gradient of these structures matches finite differences") {
  using image = shape<4, 6, 2>;
  tests::gradients_match_finite_differences<vit<2, 8, 2, 2, small_grid>, image>(2);
  tests::gradients_match_finite_differences<vit<2, 8, 1, 2, dinov2_registers>, image>(2);
  tests::gradients_match_finite_differences<vit<2, 8, 1, 2, positioned_registers>, image>(2);
  tests::gradients_match_finite_differences<vit<2, 8, 1, 2, dinov2_giant>, image>(2);
  tests::gradients_match_finite_differences<vit<2, 8, 1, 2, ijepa_pretraining>, image>(2);
  tests::gradients_match_finite_differences<vit<2, 8, 1, 2, simmim_pretraining>, image>(2);
  tests::gradients_match_finite_differences<vit<2, 8, 1, 2, moco_v3_pretraining>, image>(2);
}
