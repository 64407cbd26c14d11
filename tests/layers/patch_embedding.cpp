#include <pretext/layers/convolution.hpp>
#include <pretext/layers/patch_embedding.hpp>

#include "support/gradient_check.hpp"
#include "support/same_bits.hpp"

using namespace pretext;

namespace {
using image = shape<6, 9, 2>;  // two rows and three columns of patches of 3 pixels
}

static_assert(Layer<patch_embedding<3, 5>, image, on<cpu>>);
static_assert(Layer<patch_projection<3, 5>, shape<4, 18>, on<cpu, fp64>>);
static_assert(std::same_as<output_of<patch_embedding<3, 5>, image>, shape<6, 5>>);
static_assert(!Accepts<patch_embedding<4, 5>, image>, "patches fill the image");
static_assert(parameters_of<patch_embedding<3, 5>, image>[0].name() == "proj.weight");
static_assert(parameters_of<patch_embedding<3, 5>, image>[0].extents ==
              std::array<std::size_t, 4>{5, 2, 3, 3});

TEST_CASE("every gradient of a patch embedding matches finite differences for any image and channels") {
  tests::gradients_match_finite_differences<patch_embedding<3, 5>, image>(3);
  tests::gradients_match_finite_differences<patch_embedding<4, 6>, shape<8, 8, 3>>(2);
  tests::gradients_match_finite_differences<patch_embedding<2, 3>, shape<4, 6, 1>>(2);
  tests::gradients_match_finite_differences<patch_projection<2, 3>, shape<5, 8>>(2);
}

TEST_CASE("a patch embedding is a convolution whose stride is its kernel") {
  on<cpu, fp64> context;
  using Context = on<cpu, fp64>;
  using embedding = patch_embedding<3, 5>;
  using same = convolution<5, 3, 3, 0, bias::yes>;
  static_assert(weight_count<embedding, image> == weight_count<same, image>);
  auto w = tests::plausible_weights<embedding, image>(1);
  const auto x = tests::normal_numbers(2 * image::size, 2);
  std::vector<double> y(2 * 30), z(2 * 30);
  embedding::infer(context, weights<Context>{w.data(), nullptr}, reads<Context, image>{x.data(), 2},
                   writes<Context, shape<6, 5>>{y.data(), 2});
  same::infer(context, weights<Context>{w.data(), nullptr}, reads<Context, image>{x.data(), 2},
              writes<Context, shape<2, 3, 5>>{z.data(), 2});
  for (std::size_t i = 0; i < y.size(); ++i) CHECK(y[i] == doctest::Approx(z[i]).epsilon(1e-12));
}

TEST_CASE(
    "selected patches are gathered in the order of their indices, each as (row, column, channel), and "
    "scattered back") {
  on<cpu> context{.stream = cpu::stream{2}};
  const kernels::patch_extents e{6, 9, 2, 3};
  std::vector<float> images(2 * image::size), rows(2 * 2 * 18), back(images.size(), 7.f);
  for (std::size_t i = 0; i < images.size(); ++i) images[i] = static_cast<float>(i + 1);
  const std::uint32_t ids[] = {4, 0, 99, 1, 5, 99};  // two per sample, with a stride of three
  kernels::patches<cpu>::gather(context, e, 2, {2, ids, 3}, images.data(), rows.data());
  const auto pixel = [&](std::size_t n, std::size_t row, std::size_t column, std::size_t channel) {
    return images[((n * 6 + row) * 9 + column) * 2 + channel];
  };
  CHECK(rows[0] == pixel(0, 3, 3, 0));  // patch 4: the second row, the second column
  CHECK(rows[1] == pixel(0, 3, 3, 1));
  CHECK(rows[2] == pixel(0, 3, 4, 0));
  CHECK(rows[6] == pixel(0, 4, 3, 0));
  CHECK(rows[18] == pixel(0, 0, 0, 0));      // patch 0
  CHECK(rows[2 * 18] == pixel(1, 0, 3, 0));  // patch 1 of the second sample
  CHECK(rows[4 * 18 - 1] == pixel(1, 5, 8, 1));
  kernels::patches<cpu>::scatter(context, e, 2, {2, ids, 3}, rows.data(), back.data());
  for (std::size_t i = 0; i < images.size(); ++i) {
    const std::size_t n = i / image::size, patch = i % image::size / 54 * 3 + i % 18 / 6;
    const bool chosen = n == 0 ? patch == 4 || patch == 0 : patch == 1 || patch == 5;
    CHECK(back[i] == (chosen ? images[i] : 0.f));
  }
}

TEST_CASE("the patch embedding has MAE's initial distribution") {
  constexpr auto table = parameters_of<patch_embedding<16, 768>, shape<224, 224, 3>>;
  CHECK(table[0].init.distribution == initialiser::kind::uniform);
  CHECK(table[0].init.scale == doctest::Approx(.0625));
  CHECK(table[1].init.distribution == initialiser::kind::uniform);
  CHECK(table[1].init.scale == doctest::Approx(.0360844).epsilon(1e-5));
}
