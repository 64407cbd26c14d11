// Tests of convnext.hpp, and of layers/convnext_block.hpp and layers/block_stack.hpp.
#include <pretext/encoders/convnext.hpp>

#include "support/gradient_check.hpp"
#include "support/network_case.hpp"
#include "support/same_bits.hpp"

using namespace pretext;

namespace {

using image = shape<224, 224, 3>;
using small = convnext<4, std::array<std::size_t, 4>{1, 1, 2, 1}>;
template <class E>
constexpr std::size_t learned = trainable_count(parameters_of<E, image>);

}  // namespace

// timm's numbers.
static_assert(learned<convnext_tiny> == 27'820'128);
static_assert(learned<convnext_small> == 49'454'688);
static_assert(std::same_as<output_of<convnext_base, image>, shape<1024>>);
static_assert(macs<convnext_tiny, image> / 10'000'000 == 445, "4.45 billion multiply-adds");
static_assert(Layer<convnext_tiny, shape<32, 64, 1>, on<cpu>>);

TEST_CASE("parameters of ConvNeXt have timm's names, and the depths of their stages") {
  const auto& table = parameters_of<small, image>;
  const auto row = [&](std::string_view name) {
    for (const parameter& p : table)
      if (p.name() == name) return p;
    FAIL("no parameter is called ", std::string{name});
    return parameter{};
  };
  CHECK(row("stem.0.weight").depth == 0);
  CHECK(row("stages.0.blocks.0.conv_dw.weight").depth == 1);
  CHECK(row("stages.2.downsample.1.bias").depth == 3);
  CHECK(row("stages.2.blocks.1.gamma").weight_decay == parameter_decay::no);
  CHECK(row("stages.2.blocks.1.gamma").init == initialiser::constant(1e-6));
  CHECK(row("head.norm.weight").depth == -1);
}

TEST_CASE("ConvNeXt agrees with timm: inference, training and every gradient") {
  const auto file = read_safetensors(std::filesystem::path{PRETEXT_REFERENCE} / "convnext_timm.safetensors");
  tests::network_agrees<small, shape<64, 32, 3>, on<cpu, fp64>>(file, 1e-9);
  tests::network_agrees<small, shape<64, 32, 3>, on<cpu>>(file, 1e-4);
}

TEST_CASE("every gradient of ConvNeXt's blocks matches finite differences, with and without dropped paths") {
  using tests::gradients_match_finite_differences;
  gradients_match_finite_differences<block_stack<convnext_block, 2>, shape<5, 4, 6>>(2);
  const std::vector<std::uint64_t> samples{3, 1, 4, 15, 9, 2};
  gradients_match_finite_differences<block_stack<convnext_block, 2, 1, 3>, shape<3, 4, 5>>(
      6, 1e-6, 1, 2, [&](on<cpu, fp64>& context) {
        context.step.drop_path = .5;
        context.step.keys = {1, 0, samples.data(), samples.size()};
      });
}

TEST_CASE("ConvNeXt computes the same bits with 1, 2 and 3 threads") {
  tests::same_bits_for_any_threads<small, shape<64, 32, 3>>(7);
}
