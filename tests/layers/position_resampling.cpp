// Tests of position_resampling.hpp, in the layer that resizes positions as well.
#include <pretext/layers/position_resampling.hpp>

#include "support/gradient_check.hpp"
#include "support/reference.hpp"

#include <pretext/encoders/vit_recipes.hpp>
#include <pretext/layers/positioned_tokens.hpp>

using namespace pretext;

namespace {

template <position_resampling How>
struct resized : supervised_init {
  static constexpr position_resampling resampling = How;
};

/// The positions of a grid of To patches per side, and their gradient, from a table of From per side.
template <class Recipe, std::size_t From, std::size_t To, class T>
void agrees(const safetensors& file, const std::string& name, double tolerance, bool has_gradient) {
  CAPTURE(name);
  constexpr std::size_t width = 6, rows = 1 + To * To;
  using Context = on<cpu, std::conditional_t<std::same_as<T, double>, fp64, fp32>>;
  using layer = positioned_tokens<To, To, Recipe, From, From>;
  using input = shape<To * To, width>;
  using output = shape<rows, width>;
  Context context{.stream = cpu::stream{2}};
  std::vector<T> w(width), x(input::size), y(output::size), dw;
  const auto table = file.at("table").as<T>();
  w.insert(w.end(), table.begin(), table.end());  // after a class token of zeros
  REQUIRE(w.size() == weight_count<layer, input>);
  dw.resize(w.size());
  cache_of<layer, input, Context> cache;
  layer::forward(context, weights<Context>{w.data(), nullptr}, reads<Context, input>{x.data(), 1},
                 writes<Context, output>{y.data(), 1}, cache);
  CHECK(tests::relative_difference(y, file.at(name).as<double>()) < tolerance);
  if (!has_gradient) return;
  const auto dy = file.at(name + ".cotangent").as<T>();
  layer::backward(context, weights<Context>{w.data(), dw.data()}, cache, reads<Context, output>{dy.data(), 1},
                  writes<Context, input>{x.data(), 1});
  dw.erase(dw.begin(), dw.begin() + width);
  CHECK(tests::relative_difference(dw, file.at(name + ".grad").as<double>()) < tolerance);
}

template <std::size_t From, std::size_t To>
void all_agree(const safetensors& file) {
  using enum position_resampling;
  const std::string side = std::to_string(To);
  const auto both = [&]<position_resampling How>(const std::string& name, double exact) {
    const bool has_gradient = file.tensors.contains(name + side + ".grad");
    agrees<resized<How>, From, To, double>(file, name + side, exact, has_gradient);
    agrees<resized<How>, From, To, float>(file, name + side, 1e-4, has_gradient);
  };
  both.template operator()<dino>("dino_", 1e-10);
  both.template operator()<bicubic>("dinov2_plain_", 1e-10);
  both.template operator()<antialiased>("dinov2_antialias_", 1e-10);
  both.template operator()<antialiased>("timm_", 1e-6);  // which computes in single precision
}

}  // namespace

TEST_CASE("weights from four positions to two are those of DINO and of timm") {
  const auto row = [](position_resampling how, std::size_t to) {
    std::vector<double> weights;
    for (std::size_t from = 0; from < 4; ++from) weights.push_back(resampling_weight(how, 4, 2, to, from));
    return weights;
  };
  const auto close = [](const std::vector<double>& found, const std::vector<double>& expected) {
    for (std::size_t i = 0; i < 4; ++i) CHECK(std::abs(found[i] - expected[i]) < 1e-10);
  };
  using enum position_resampling;
  close(row(dino, 0), {.5535174387, .5305346345, -.0840520732, 0});
  close(row(dino, 1), {0, -.1106960641, .7699526239, .3407434402});
  close(row(antialiased, 0), {.4586776860, .4586776860, .1198347107, -.0371900826});
  close(row(antialiased, 1), {-.0371900826, .1198347107, .4586776860, .4586776860});
}

TEST_CASE("weights of a new position add up to 1; those from a grid to itself copy, except DINO's") {
  using enum position_resampling;
  for (const auto how : {dino, bicubic, antialiased})
    for (const std::size_t from : {1u, 2u, 7u, 14u})
      for (const std::size_t to : {1u, 3u, 7u, 37u})
        for (std::size_t i = 0; i < to; ++i) {
          double sum = 0;
          for (std::size_t k = 0; k < from; ++k) {
            const double weight = resampling_weight(how, from, to, i, k);
            sum += weight;
            if (how != dino && from == to) CHECK(weight == doctest::Approx(i == k).scale(1));
          }
          CHECK(sum == doctest::Approx(1).epsilon(1e-12));
        }
}

TEST_CASE("resized positions and their gradients agree with the codes of DINO, DINOv2 and timm") {
  const auto file = tests::reference("position_interpolation");
  switch (const int side = tests::hyper_parameter(file, "from_side").get<int>()) {
    case 4:
      all_agree<4, 2>(file);
      all_agree<4, 3>(file);
      return all_agree<4, 6>(file);
    case 5:
      all_agree<5, 2>(file);
      all_agree<5, 3>(file);
      return all_agree<5, 7>(file);
    default:
      FAIL("no test is compiled for a table of ", side, " positions per side");
  }
}

TEST_CASE("every gradient of resized positions matches finite differences, for grids that are not square") {
  using enum position_resampling;
  tests::gradients_match_finite_differences<positioned_tokens<2, 3, resized<dino>, 4, 5>, shape<6, 5>>(3);
  tests::gradients_match_finite_differences<positioned_tokens<5, 2, resized<antialiased>, 3, 4>,
                                            shape<10, 5>>(2);
}
