#include <pretext/layers/transformer.hpp>

#include "support/gradient_check.hpp"
#include "support/same_bits.hpp"

using namespace pretext;
using tests::gradients_match_finite_differences;

namespace {

using tokens = shape<5, 8>;
using two = transformer<2, 2>;
using scaled = transformer<2, 2, 2, xavier_uniform, mlp<2>, layer_scale<>>;

/// A context with sample ids and a drop rate.
const auto drops = [](auto& context) {
  static const std::uint64_t samples[] = {3, 14, 15, 92, 65, 35};
  context.step.keys = {.seed = 5, .epoch = 2, .samples = samples, .count = 6};
  context.step.drop_path = 0.4;
};

}  // namespace

static_assert(Layer<transformer_block<2>, tokens, on<cpu>>);
static_assert(Layer<two, tokens, on<cpu>> && Layer<two, shape<9, 8>, on<cpu>>);
static_assert(!Accepts<two, shape<5, 7>>, "heads share the width equally");
static_assert(weight_count<two, tokens> == weight_count<two, shape<9, 8>>,
              "weights serve any number of tokens");
static_assert(parameters_of<transformer<12, 2>, tokens>[11 * 12].name() == "11.norm1.weight");

TEST_CASE("blocks have timm's names, in timm's order") {
  constexpr auto table = parameters_of<two, tokens>;
  const char* const expected[] = {"norm1.weight",     "norm1.bias",     "attn.qkv.weight", "attn.qkv.bias",
                                  "attn.proj.weight", "attn.proj.bias", "norm2.weight",    "norm2.bias",
                                  "mlp.fc1.weight",   "mlp.fc1.bias",   "mlp.fc2.weight",  "mlp.fc2.bias"};
  REQUIRE(table.size() == 24);
  for (std::size_t i = 0; i < 24; ++i)
    CHECK(std::string{table[i].name()} == (i < 12 ? "0." : "1.") + std::string{expected[i % 12]});
}

TEST_CASE("every gradient of a block and a transformer matches finite differences") {
  gradients_match_finite_differences<transformer_block<2>, tokens>(2);
  gradients_match_finite_differences<transformer<1, 2>, tokens>(2);
  gradients_match_finite_differences<transformer<3, 2, 2>, tokens>(2);
  gradients_match_finite_differences<scaled, tokens>(2);
}

TEST_CASE("every gradient matches finite differences when paths are dropped") {
  gradients_match_finite_differences<transformer<3, 2>, tokens>(6, 1e-6, 1, 2, drops);
  gradients_match_finite_differences<scaled, tokens>(6, 1e-6, 1, 2, drops);
}

TEST_CASE("a transformer computes the same bits with 1, 2 and 3 threads") {
  tests::same_bits_for_any_threads<transformer<2, 3>, shape<17, 24>>(37);
}

TEST_CASE("inference equals training without dropped paths") {
  on<cpu, fp64> context;
  using Context = on<cpu, fp64>;
  const auto x = tests::normal_numbers(3 * tokens::size, 1);
  auto w = tests::plausible_weights<transformer<3, 2>, tokens>(2);
  std::vector<double> y(x.size()), z(x.size());
  cache_of<transformer<3, 2>, tokens, Context> kept;
  const weights<Context> own{w.data(), nullptr};
  transformer<3, 2>::forward(context, own, reads<Context, tokens>{x.data(), 3},
                             writes<Context, tokens>{y.data(), 3}, kept);
  transformer<3, 2>::infer(context, own, reads<Context, tokens>{x.data(), 3},
                           writes<Context, tokens>{z.data(), 3});
  CHECK(y == z);
}
