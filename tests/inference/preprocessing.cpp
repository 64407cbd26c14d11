#include <pretext/inference/preprocessing.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

#include <doctest/doctest.h>

#include <pretext/core/image.hpp>
#include <pretext/cpu.hpp>

using namespace pretext;

static_assert(preprocessing_of(whole_image()) == preprocessing{});
static_assert(preprocessing_of(evaluation_crop()) == preprocessing{.fit = image_fit::central_crop});
static_assert(preprocessing_of(mae_evaluation()) ==
              imagenet_preprocessing(256, interpolation::bicubic_antialias));
static_assert(preprocessing_of(augmentation{}) == preprocessing{},
              "without a crop the whole image is resized");
static_assert(PreprocessingAugmentation<augmentation<normalise>>);
static_assert(!PreprocessingAugmentation<augmentation<normalise, normalise>>);
static_assert(!PreprocessingAugmentation<decltype(simclr_cifar())>, "random operations are no preprocessing");

namespace {

template <class Augmentation>
std::vector<float> render(const Augmentation& evaluation, const image& picture) {
  on<cpu> context;
  const std::vector<image> batch{picture};
  const std::vector<std::uint64_t> samples{0};
  tensor<float, shape<20, 24, 3>, cpu> out{1};
  augment(context, evaluation, batch, samples, 0, 0, out.view());
  return {out.view().data, out.view().data + out.view().size()};
}

}  // namespace

TEST_CASE("a preprocessing renders the bits of the augmentation that it describes") {
  image picture{41, 37, 3, std::vector<std::uint8_t>(41 * 37 * 3)};
  for (std::size_t i = 0; i < picture.pixels.size(); ++i)
    picture.pixels[i] = static_cast<std::uint8_t>(i * i % 251);
  const auto check = [&](const auto& evaluation) {
    const auto expected = render(evaluation, picture);
    CHECK(render(make_augmentation(preprocessing_of(evaluation)), picture) == expected);
    return expected;
  };
  const auto whole = check(whole_image()), center = check(evaluation_crop());
  CHECK(whole != center);
  check(augmentation{resized{interpolation::bilinear}, normalise{}});
  check(augmentation{central_crop{.proportion = .6f, .round_down = true},
                     normalise{{.5f, .4f, .3f}, {.1f, .2f, .3f}}});
  check(mae_evaluation(30));
  check(augmentation{normalise{}});
}

TEST_CASE("a preprocessing that does not suit the input size is refused") {
  const image picture{41, 37, 3, std::vector<std::uint8_t>(41 * 37 * 3)};
  CHECK_THROWS_AS(render(make_augmentation({.fit = image_fit::shorter_side, .shorter_side = 23}), picture),
                  std::invalid_argument);
  CHECK_THROWS_AS(render(make_augmentation({.fit = image_fit::central_crop, .proportion = 1.1f}), picture),
                  std::invalid_argument);
}
