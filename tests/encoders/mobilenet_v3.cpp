#include <pretext/encoders/mobilenet_v3.hpp>

#include "support/gradient_check.hpp"
#include "support/network_case.hpp"
#include "support/same_bits.hpp"

#include <pretext/layers/fold_norms.hpp>

using namespace pretext;

namespace {

using image = shape<224, 224, 3>;
/// The blocks of make_convolutional.py: one that squeezes without expanding, one that expands, one that adds
/// its input, one with an expansion, a squeeze and a shortcut.
using small = mobilenet_v3<24, inverted_residual<8, 3, 8, 8, squeeze::yes, relu, 2>,
                           inverted_residual<8, 3, 24, 16, squeeze::no, relu, 2>,
                           inverted_residual<16, 5, 40, 16, squeeze::yes, hard_swish, 1>>;
template <class E>
constexpr std::size_t learned = trainable_count(parameters_of<E, image>);

}  // namespace

// torchvision's numbers without the last linear layer.
static_assert(learned<mobilenet_v3_small> == 2'542'856 - 1'025'000);
static_assert(learned<mobilenet_v3_large> == 5'483'032 - 1'281'000);
static_assert(std::same_as<output_of<mobilenet_v3_small, image>, shape<1024>>);
static_assert(std::same_as<output_of<mobilenet_v3_large, shape<96, 64, 1>>, shape<1280>>);
static_assert(macs<mobilenet_v3_small, image> / 1'000'000 == 55,
              "torchvision: 56.5 with the last linear layer");
static_assert(Layer<mobilenet_v3_small, shape<32, 64, 1>, on<cpu>>);

TEST_CASE(
    "parameters of MobileNetV3 have torchvision's names and initial values, and the depths of their blocks") {
  const auto& table = parameters_of<mobilenet_v3_small, image>;
  const auto row = [&](std::string_view name) {
    for (const parameter& p : table)
      if (p.name() == name) return p;
    FAIL("no parameter is called ", std::string{name});
    return parameter{};
  };
  CHECK(row("features.0.0.weight").depth == 0);
  CHECK(row("features.1.block.1.fc2.bias").depth == 1);
  CHECK(row("features.4.block.2.fc1.weight").extents == std::array<std::size_t, 4>{24, 96, 1, 1});
  CHECK(row("features.12.1.running_var").depth == 12);
  CHECK(row("features.2.block.1.0.weight").init == initialiser::normal(detail::square_root(2.0 / (9 * 72))));
  CHECK(row("classifier.0.weight").init == initialiser::normal(.01));
  CHECK(row("classifier.0.bias").depth == -1);
}

TEST_CASE("MobileNetV3 agrees with torchvision: inference, training and every gradient") {
  const auto file = read_safetensors(std::filesystem::path{PRETEXT_REFERENCE} / "mobilenet_v3.safetensors");
  // torch's gradient of hard-sigmoid multiplies by 1/6 in single precision.
  tests::network_agrees<small, shape<32, 24, 3>, on<cpu, fp64>>(file, 1e-7);
  tests::network_agrees<small, shape<32, 24, 3>, on<cpu>>(file, 1e-4);
}

TEST_CASE("every gradient of MobileNetV3's layers matches finite differences") {
  using tests::gradients_match_finite_differences;
  gradients_match_finite_differences<
      fused_convolution<"0", "1", depthwise_convolution<3, 2, 1, bias::no>, activation::relu,
                        initial_scale::one, mobile_batch_norm>,
      shape<5, 6, 4>>(3);
  gradients_match_finite_differences<inverted_residual<6, 5, 24, 6, squeeze::yes, hard_swish, 1>,
                                     shape<4, 5, 6>>(3);
}

TEST_CASE("MobileNetV3 computes the same bits with 1, 2 and 3 threads") {
  tests::same_bits_for_any_threads<small, shape<32, 24, 3>>(7);
}

TEST_CASE("batch norm of other constants keeps its running statistics by its own momentum") {
  using layer = batch_norm<affine::none, initial_scale::one, mobile_batch_norm>;
  on<cpu, fp64> context;
  std::vector<double> w{5, 7}, x{1, 3}, y(2);  // mean 2, unbiased variance 2
  cache_of<layer, shape<1>, on<cpu, fp64>> cache;
  layer::forward(context, weights<on<cpu, fp64>>{w.data(), nullptr},
                 reads<on<cpu, fp64>, shape<1>>{x.data(), 2}, writes<on<cpu, fp64>, shape<1>>{y.data(), 2},
                 cache);
  CHECK(w[0] == doctest::Approx(5 + .01 * (2 - 5)).epsilon(1e-12));
  CHECK(w[1] == doctest::Approx(7 + .01 * (2 - 7)).epsilon(1e-12));
  CHECK(y[1] == doctest::Approx(1 / std::sqrt(1 + 1e-3)).epsilon(1e-12));
}
