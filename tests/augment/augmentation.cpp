// Tests of augmentation.hpp, and of what forms pipelines with it and is too small for programs of its own:
// views.hpp, presets.hpp, flip.hpp and core/random_streams.hpp.
#include "rendering.hpp"

#include <doctest/doctest.h>
#include <algorithm>
#include <map>
#include <numeric>

using namespace pretext;
using namespace pretext_tests;

namespace {

/// An operation as a user writes it.
struct channel_swap {
  float probability = .5f;

  static constexpr std::uint32_t stream_id = 1024, stream_size = 1;
  using choice = bool;

  bool choose(const random_draws& draws, image_extent, image_extent) const {
    return draws.bernoulli(0, probability);
  }
  template <class View>
  void apply(bool swapped, View& view) const {
    if (swapped) view.map([](rgb p) { return rgb{p.b, p.g, p.r}; });
  }
};

constexpr std::size_t side = 24;
using views_of = tensor<float, shape<side, side, 3>, cpu>;

struct photographs {
  std::vector<image> owned;
  std::vector<image_view> images;
  std::vector<std::uint64_t> samples;

  explicit photographs(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i)
      owned.push_back(random_bytes(20 + 3 * i, 41 - 2 * i, i % 4 == 3 ? 1 : 3, i));
    for (std::size_t i = 0; i < count; ++i) {
      images.push_back(owned[i]);
      samples.push_back(1000 + 7 * i);
    }
  }
};

// A pipeline of all kinds of operations.
auto everything() {
  return two_views{augmentation{random_resized_crop<>{}, horizontal_flip{}, color_jitter<>{}, grayscale{},
                                gaussian_blur{.taps = 5}, solarize{}, normalise{}, channel_swap{}}};
}

template <class Views>
std::vector<float> made(std::size_t threads, const Views& views, const std::vector<image_view>& images,
                        const std::vector<std::uint64_t>& samples, std::uint64_t seed = 5,
                        std::uint32_t epoch = 2) {
  on<cpu> context{cpu::stream{threads}};
  views_of out{Views::views * images.size()};
  augment(context, views, images, samples, seed, epoch, out.view());
  return {out.view().data, out.view().data + out.view().size()};
}

// View `v` of image `i` among `count`.
std::vector<float> one(const std::vector<float>& views, std::size_t v, std::size_t i, std::size_t count) {
  const auto first = views.begin() + static_cast<std::ptrdiff_t>((v * count + i) * side * side * 3);
  return {first, first + side * side * 3};
}

template <class Work>
std::string complaint(Work work) {
  try {
    work();
  } catch (const std::invalid_argument& error) { return error.what(); }
  return "";
}

}  // namespace

TEST_CASE("any number of threads makes the same bits") {
  const photographs photos{9};
  const auto alone = made(1, everything(), photos.images, photos.samples);
  for (std::size_t threads : {2u, 3u, 7u})
    CHECK(made(threads, everything(), photos.images, photos.samples) == alone);
}

TEST_CASE("a view depends on its sample id, not on its batch or its position there") {
  const photographs photos{9};
  const auto together = made(1, everything(), photos.images, photos.samples);
  std::vector<std::size_t> order{4, 1, 8, 0, 6};
  std::vector<image_view> images;
  std::vector<std::uint64_t> samples;
  for (std::size_t i : order) {
    images.push_back(photos.images[i]);
    samples.push_back(photos.samples[i]);
  }
  const auto some = made(2, everything(), images, samples);
  for (std::size_t v : {0u, 1u})
    for (std::size_t i = 0; i < order.size(); ++i)
      CHECK(one(some, v, i, order.size()) == one(together, v, order[i], 9));
}

TEST_CASE("seed, epoch, sample and view each change the choices") {
  const photographs photos{1};
  const auto views = made(1, everything(), photos.images, photos.samples);
  CHECK(one(views, 0, 0, 1) != one(views, 1, 0, 1));
  CHECK(made(1, everything(), photos.images, photos.samples, 6) != views);
  CHECK(made(1, everything(), photos.images, photos.samples, 5, 3) != views);
  CHECK(made(1, everything(), photos.images, {1001}) != views);
}

TEST_CASE("each of two views follows its own distribution") {
  const photographs photos{6};
  const augmentation plain{random_resized_crop<>{}};
  const augmentation gray{random_resized_crop<>{}, grayscale{.probability = 1}};
  const auto views = made(1, two_views{plain, gray}, photos.images, photos.samples);
  CHECK(one(views, 0, 2, 6) == one(made(1, plain, photos.images, photos.samples), 0, 2, 6));
  const auto second = one(views, 1, 2, 6);
  for (std::size_t i = 0; i < second.size(); i += 3) CHECK(second[i] == second[i + 1]);
}

TEST_CASE("another operation in the pipeline changes no other's choices") {
  const augmentation few{random_resized_crop<>{}, gaussian_blur{}};
  const augmentation many{horizontal_flip{}, random_resized_crop<>{}, color_jitter<>{}, channel_swap{},
                          grayscale{},       gaussian_blur{}};
  for (std::uint64_t sample = 0; sample < 100; ++sample) {
    const random_key key{.seed = 9, .sample = sample};
    const auto a = few.choose(key, {90, 70}, {32, 32});
    const auto b = many.choose(key, {90, 70}, {32, 32});
    CHECK(few.chosen<random_resized_crop<>>(a) == many.chosen<random_resized_crop<>>(b));
    CHECK(few.chosen<gaussian_blur>(a).sigma == many.chosen<gaussian_blur>(b).sigma);
  }
}

TEST_CASE("two operations of one kind draw independently") {
  using twice = decltype(augmentation{solarize{}, grayscale{}, solarize{}});
  CHECK(twice::stream_of(0) == solarize::stream_id);
  CHECK(twice::stream_of(1) == grayscale::stream_id);
  CHECK(twice::stream_of(2) != solarize::stream_id);
}

namespace {

/// Random numbers of an operation that record the highest index drawn.
struct counting_draws : random_draws {
  std::uint32_t* used;  ///< 1 + that index

  float uniform(std::uint32_t draw) const { return count(draw, 1).uniform(draw); }
  float uniform(std::uint32_t draw, value_range range) const { return count(draw, 1).uniform(draw, range); }
  std::uint32_t uniform_int(std::uint32_t draw, std::uint32_t n) const {
    return count(draw, 1).uniform_int(draw, n);
  }
  double normal(std::uint32_t draw) const { return count(draw, 2).normal(draw); }
  bool bernoulli(std::uint32_t draw, float probability) const {
    return count(draw, 1).bernoulli(draw, probability);
  }

 private:
  const random_draws& count(std::uint32_t draw, std::uint32_t words) const {
    *used = std::max(*used, draw + words);
    return *this;
  }
};

template <class Op>
std::uint32_t numbers_used(const Op& op) {
  std::uint32_t used = 0;
  for (std::uint64_t sample = 0; sample < 2000; ++sample)
    op.choose(counting_draws{{random_key{.sample = sample}, Op::stream_id}, &used}, {40, 60}, {32, 24});
  return used;
}

}  // namespace

TEST_CASE("no operation draws a number outside of its stream, however many boxes it rejects") {
  const auto stays_inside = [](const auto& op) { return numbers_used(op) <= op.stream_size; };
  // These boxes hardly ever fit, so that nearly all attempts are made.
  const auto tight =
      random_resized_crop<distorted_bounding_box>{.area = {.08f, .101f}, .sampler = {.attempts = 128}};
  CHECK(numbers_used(tight) > 4 * 64);
  CHECK(stays_inside(tight));
  const auto wide = random_resized_crop<torchvision_crop_box>{
      .area = {.9f, 1}, .ratio = {10, 30}, .sampler = {.attempts = 128}};
  CHECK(numbers_used(wide) > 4 * 127);
  CHECK(stays_inside(wide));
  CHECK(stays_inside(random_resized_crop<byol_crop_box>{}));
  CHECK(numbers_used(horizontal_flip{}) == horizontal_flip::stream_size);
  CHECK(numbers_used(grayscale{}) == grayscale::stream_size);
  CHECK(numbers_used(solarize{}) == solarize::stream_size);
  CHECK(numbers_used(gaussian_blur{}) == gaussian_blur::stream_size);
  CHECK(numbers_used(color_jitter<>{}) == color_jitter<>::stream_size);
  CHECK(numbers_used(rand_augment{.layers = 9}) == 8 * (rand_augment::max_layers - 1) + 6);
  CHECK(stays_inside(rand_augment{.layers = 9}));
  CHECK(numbers_used(random_erasing{.probability = 1, .area = {.5f, 1}}) == random_erasing::stream_size);
  CHECK(numbers_used(normalise{}) == 0);
  CHECK(numbers_used(central_crop{}) == 0);
}

TEST_CASE("8-bit images and the same images as floats give the same views") {
  const photographs photos{8};
  std::vector<float_image> floats;
  for (const image& photo : photos.owned) {
    floats.push_back({photo.height, photo.width, photo.channels, {}});
    for (std::uint8_t x : photo.pixels) floats.back().pixels.push_back(static_cast<float>(x) / 255);
  }
  // Without normalisation, which would enlarge the difference, and solarizing, which would cut it at one
  // half.
  const two_views views{augmentation{random_resized_crop<>{}, horizontal_flip{}, color_jitter<>{},
                                     grayscale{}, gaussian_blur{.taps = 5}}};
  on<cpu> context;
  views_of out{16};
  augment(context, views, floats, photos.samples, 5, 2, out.view());
  const std::vector<float> from_floats{out.view().data, out.view().data + out.view().size()};
  CHECK(largest_difference(from_floats, made(1, views, photos.images, photos.samples)) < 1e-5);
}

TEST_CASE("a context in double precision gets the same views") {
  const photographs photos{3};
  on<cpu, fp64> context;
  tensor<double, shape<side, side, 3>, cpu> out{6};
  augment(context, everything(), photos.images, photos.samples, 5, 2, out.view());
  const std::vector<double> views{out.view().data, out.view().data + out.view().size()};
  CHECK(largest_difference(views, made(1, everything(), photos.images, photos.samples)) == 0);
}

TEST_CASE("a gray image is read as three equal channels") {
  const image gray = random_bytes(30, 40, 1, 3);
  image colored{30, 40, 3, {}};
  for (std::uint8_t x : gray.pixels) colored.pixels.insert(colored.pixels.end(), 3, x);
  CHECK(made(1, everything(), {gray}, {4}) == made(1, everything(), {colored}, {4}));
}

TEST_CASE("operations with neutral settings give the image itself") {
  const image photo = random_bytes(side, side, 3, 3);
  std::vector<float> light;
  for (std::uint8_t x : photo.pixels) light.push_back(static_cast<float>(x) / 255);
  const value_range all{1, 1};
  const augmentation never{random_resized_crop<>{all, all},  horizontal_flip{0},
                           color_jitter<>{.probability = 0}, grayscale{0},
                           gaussian_blur{.probability = 0},  solarize{0}};
  CHECK(largest_difference(made(1, never, {photo}, {1}), light) < 1e-6);
  const augmentation weakest{random_resized_crop<torchvision_crop_box>{all, all},
                             color_jitter<>{0, 0, 0, 0, 1}, gaussian_blur{.probability = 1, .taps = 1},
                             normalise{{0, 0, 0}, {1, 1, 1}}};
  CHECK(largest_difference(made(1, weakest, {photo}, {1}), light) < 1e-6);
  const color_jitter<> tiny{1e-6f, 1e-6f, 1e-6f, 1e-6f, 1};
  CHECK(largest_difference(made(1, augmentation{tiny}, {photo}, {1}), light) < 2e-5);
  CHECK(largest_difference(made(1, augmentation<>{}, {photo}, {1}), light) < 1e-6);
  CHECK(largest_difference(made(1, whole_image(), {photo}, {1}), light) < 1e-6);
}

TEST_CASE("a jitter draws whether it happens, its order and its factors from SimCLR's distributions") {
  constexpr std::size_t draws = 24000;
  const color_jitter<multiplicative_brightness> jitter{
      .brightness = .8f, .contrast = .8f, .saturation = .8f, .hue = .2f};
  std::map<std::vector<jitter_step>, double> orders;
  double jittered = 0, brightness = 0, contrast = 0, saturation = 0, hue = 0;
  std::size_t outside = 0;
  for (std::uint64_t sample = 0; sample < draws; ++sample) {
    const jitter_choice chosen =
        jitter.choose(random_draws{random_key{.seed = 2, .sample = sample}, 528}, {}, {});
    if (!chosen.jittered) continue;
    ++jittered;
    ++orders[{chosen.order, chosen.order + 4}];
    brightness += static_cast<double>(chosen.brightness);
    contrast += static_cast<double>(chosen.contrast);
    saturation += static_cast<double>(chosen.saturation);
    hue += static_cast<double>(chosen.hue);
    for (float f : {chosen.brightness, chosen.contrast, chosen.saturation}) outside += f < .2f || f > 1.8f;
    outside += chosen.hue < -.2f || chosen.hue > .2f;
  }
  CHECK(jittered / draws == doctest::Approx(.8).epsilon(.02));
  CHECK(orders.size() == 24);
  for (const auto& [order, count] : orders) CHECK(count / jittered == doctest::Approx(1. / 24).epsilon(.15));
  for (double sum : {brightness, contrast, saturation})
    CHECK(sum / jittered == doctest::Approx(1).epsilon(.02));
  CHECK(std::fabs(hue / jittered) < .005);
  CHECK(outside == 0);
  CHECK(additive_brightness::range(.8f).low == -.8f);
  CHECK(multiplicative_brightness::range(1.5f).low == 0);
}

TEST_CASE("grayscale and solarize happen with their probabilities") {
  constexpr std::size_t draws = 20000;
  double gray = 0, solarized = 0, both = 0;
  const augmentation pipeline{grayscale{.2f}, solarize{.3f}};
  for (std::uint64_t sample = 0; sample < draws; ++sample) {
    const auto choices = pipeline.choose({.sample = sample}, {}, {});
    const bool g = pipeline.chosen<grayscale>(choices), s = pipeline.chosen<solarize>(choices);
    gray += g, solarized += s, both += g && s;
  }
  CHECK(gray / draws == doctest::Approx(.2).epsilon(.05));
  CHECK(solarized / draws == doctest::Approx(.3).epsilon(.05));
  CHECK(both / draws == doctest::Approx(.06).epsilon(.12));
}

TEST_CASE("each wrong argument is reported in one sentence") {
  const photographs photos{2};
  const auto with = [&](const auto& pipeline) {
    return complaint([&] { made(1, pipeline, photos.images, photos.samples); });
  };
  on<cpu> context;
  views_of out{3};
  CHECK(complaint([&] { augment(context, everything(), photos.images, photos.samples, 1, 0, out.view()); }) ==
        "augment: 2 views of 2 images do not fill a batch of 3");
  CHECK(complaint([&] { made(1, everything(), photos.images, {1}); }) ==
        "augment: 2 images but 1 sample ids; give one for each image");
  CHECK(complaint([&] { made(1, everything(), {image_view{}}, {1}); }) ==
        "augment: image 0 of the batch is empty");
  const image four = random_bytes(4, 4, 4, 1);
  CHECK(complaint([&] {
          made(1, everything(), {photos.images[0], four}, {1, 2});
        }) == "augment: image 1 of the batch has 4 channels; convert it to gray (1) or RGB (3)");
  CHECK(with(augmentation{horizontal_flip{2}}) == "horizontal_flip: probability 2 must lie within [0, 1]");
  CHECK(with(augmentation{random_resized_crop<>{.area = {.5f, .25f}}}) ==
        "random_resized_crop: area [0.5, 0.25] must lie within (0, 1]");
  CHECK(with(augmentation{random_resized_crop<torchvision_crop_box>{.sampler = {.attempts = 1000}}}) ==
        "random_resized_crop: at most 128 attempts, not 1000");
  CHECK(with(augmentation{color_jitter<>{.hue = .75f}}) ==
        "color_jitter: hue 0.75 must lie within [0, 0.5], a half turn");
  CHECK(with(augmentation{gaussian_blur{.taps = 22}}) == "gaussian_blur: taps must be odd, not 22");
  CHECK(with(augmentation{gaussian_blur{.taps = 51, .border = padding::reflect}}) ==
        "gaussian_blur: reflecting 25 pixels needs views larger than 24 x 24");
  CHECK(with(augmentation{resized_central_crop{.shorter_side = 20}}) ==
        "resized_central_crop: a shorter side of 20 cannot fill views of 24 x 24");
}

TEST_CASE("presets hold the papers' numbers") {
  const auto cifar = simclr_cifar();
  CHECK(cifar.get<color_jitter<>>().brightness == .4f);
  CHECK(cifar.get<color_jitter<>>().hue == .1f);
  CHECK(cifar.get<random_resized_crop<>>().area.low == .08f);
  CHECK(simclr_imagenet().get<gaussian_blur>().probability == .5f);
  CHECK(simclr_imagenet<multiplicative_brightness>(.5f)
            .get<color_jitter<multiplicative_brightness>>()
            .contrast == .4f);
  const auto byol = byol_views();
  CHECK(byol.first.get<gaussian_blur>().probability == 1);
  CHECK(byol.first.get<solarize>().probability == 0);
  CHECK(byol.second.get<gaussian_blur>().probability == .1f);
  CHECK(byol.second.get<solarize>().probability == .2f);
  CHECK(mae_augmentation().get<random_resized_crop<torchvision_crop_box>>().area.low == .2f);
  const photographs photos{2};
  for (const auto& views : {made(1, simclr_cifar(), photos.images, photos.samples),
                            made(1, two_views{simclr_imagenet()}, photos.images, photos.samples),
                            made(1, byol_views(), photos.images, photos.samples),
                            made(1, mae_augmentation(), photos.images, photos.samples),
                            made(1, crop_and_flip(), photos.images, photos.samples),
                            made(1, evaluation_crop(), photos.images, photos.samples)})
    CHECK(std::all_of(views.begin(), views.end(), [](float x) { return x > -3 && x < 3; }));
}

TEST_CASE("an image with fewer pixels than its extents need is an error") {
  image picture;
  picture.resize<std::uint8_t>(4, 4, 3);
  picture.pixels.pop_back();
  CHECK_THROWS_WITH_AS(static_cast<image_view>(picture),
                       doctest::Contains("needs 48 bytes of pixels but has 47"), std::invalid_argument);
  on<cpu> context;
  std::vector<float> out(4 * 4 * 3);
  const std::uint64_t sample = 0;
  CHECK_THROWS_WITH_AS(augment(context, augmentation{}, std::vector{picture}, std::span{&sample, 1}, 1, 0,
                               tensor_view<float, shape<4, 4, 3>>{out.data(), 1}),
                       doctest::Contains("needs 48 elements of pixels, but has 47"), std::invalid_argument);
}

TEST_CASE("a mean or deviation of 8-bit pixels is an error") {
  CHECK_THROWS_WITH_AS(normalise({.mean = {123.7f, 116.3f, 103.5f}}).check({}),
                       doctest::Contains("the mean of channel 0 must be in [0, 1], not 123.7"),
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(normalise({.deviation = {.2f, 58.4f, .2f}}).check({}),
                       doctest::Contains("the deviation of channel 1"), std::invalid_argument);
}
