// With the header inference/encode_source.hpp.
#include <pretext/inference/inference_context.hpp>

#include "support/allocations.hpp"
#include "support/temporary_folder.hpp"
#include "support/thin_trunk.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include <pretext/cpu.hpp>
#include <pretext/data/builtin.hpp>
#include <pretext/inference/encode_source.hpp>
#include <pretext/runtime/any_encoder.hpp>

using namespace pretext;

namespace {

using images_shape = shape<16, 16, 3>;
using thin_resnet = resnet18<stem::cifar, 4>;
using small_vit = vit<4, 16, 2, 2>;

/// A user's encoder: one convolution and the mean over positions.
struct own_encoder : sequential<named<"conv", convolution<6, 3>>, global_average_pool> {};
/// One for images that are not RGB.
struct infrared_encoder : sequential<named<"conv", convolution<5, 3>>, global_average_pool> {};

/// The file of an encoder whose weights, scales and statistics all differ from their defaults.
template <class Encoder, class Images = images_shape>
safetensors file_of(const basic_preprocessing<channels_of<Images>>& how = {}) {
  constexpr const auto& table = parameters_of<Encoder, Images>;
  std::vector<float> value(parameter_count(table));
  initialise<float>(table, 5, value.data());
  for (const parameter& p : table)
    for (std::size_t i = 0; p.rank == 1 && i < p.size(); ++i)
      value[p.offset + i] =
          .5f * value[p.offset + i] + .25f + .5f * random_key{9, 0, p.offset + i}.uniform(0);
  safetensors file;
  file.origin = "encoder.safetensors";
  write_encoder_info(info_of<Encoder, Images>(how), file);
  append_torch_tensors<float>(table, value.data(), "", file);
  return file;
}

/// Images of different sizes.
struct pictures {
  std::vector<image> owned;
  std::vector<image_view> views;
  explicit pictures(std::size_t count) : owned(count) {
    for (std::size_t i = 0; i < count; ++i) {
      builtin_source{{.count = count, .side = 12 + 3 * (i % 4), .seed = 7}}.read(i, owned[i]);
      views.push_back(owned[i]);
    }
  }
};

std::vector<float> copy_of(std::span<const float> values) { return {values.begin(), values.end()}; }

}  // namespace

TEST_CASE_TEMPLATE("a model computes the bits of the encoder that the file was written from", Encoder,
                   thin_resnet, small_vit, own_encoder) {
  const pictures some(9);
  const augmentation evaluation{resized_central_crop{.shorter_side = 18}, normalise{}};
  const safetensors file = file_of<Encoder>(preprocessing_of(evaluation));
  encoder_adapter<Encoder, images_shape, on<cpu>, std::decay_t<decltype(evaluation)>> expected{evaluation, 1};
  expected.change_values([&](float* values) {
    read_torch_tensors<float>(parameters_of<Encoder, images_shape>, file, "", values);
  });
  std::vector<float> features;
  expected.encode(some.views, features);

  const encoder_model<Encoder, images_shape> model{file};
  inference_context context{model};
  CHECK(copy_of(context.encode(some.views)) == features);
  CHECK(features.size() == 9 * model.feature_size);
  // One image at a time, and on two threads.
  inference_context threaded{model, {.threads = 2}};
  for (std::size_t i = 0; i < some.views.size(); ++i) {
    const auto first = features.begin() + static_cast<std::ptrdiff_t>(i * model.feature_size);
    const std::vector<float> own(first, first + static_cast<std::ptrdiff_t>(model.feature_size));
    CHECK(copy_of(context.encode(some.views[i])) == own);
    CHECK(copy_of(threaded.encode(some.owned[i])) == own);
  }
}

TEST_CASE_TEMPLATE("threads that share a model get the bits that one thread gets", Encoder, thin_resnet,
                   small_vit) {
  const encoder_model<Encoder, images_shape> model{file_of<Encoder>()};
  const pictures some(24);
  std::vector<float> alone;
  {
    inference_context context{model};
    for (const image_view& each : some.views) {
      const auto feature = context.encode(each);
      alone.insert(alone.end(), feature.begin(), feature.end());
    }
  }
  constexpr std::size_t threads = 4;
  std::vector<std::vector<float>> found(threads);
  {
    std::vector<std::jthread> running;
    for (std::size_t thread = 0; thread < threads; ++thread)
      running.emplace_back([&model, &some, &own = found[thread], thread] {
        // Two of the four share their work with a second thread of their own.
        inference_context context{model, {.threads = 1 + thread % 2}};
        for (const image_view& each : some.views) {
          const auto feature = context.encode(each);
          own.insert(own.end(), feature.begin(), feature.end());
        }
      });
  }
  for (const auto& each : found) CHECK(each == alone);
}

TEST_CASE_TEMPLATE("calls after the first of a batch size allocate nothing", Encoder, thin_resnet,
                   small_vit) {
  const encoder_model<Encoder, images_shape> model{file_of<Encoder>(imagenet_preprocessing(18))};
  const pictures some(8);
  const auto allocations_of_later_calls = [&](std::size_t threads, int calls) {
    inference_context context{model, {.threads = threads}};
    context.encode(some.views);
    const std::size_t before = tests::allocations;
    for (int call = 0; call < calls; ++call) {
      context.encode(some.views[3]);
      context.encode(some.views);
    }
    return tests::allocations - before;
  };
  CHECK(allocations_of_later_calls(1, 2) == 0);
  // Which thread takes a block is left to chance: the scratch memory of another thread grows when it takes
  // its first.
  CHECK(allocations_of_later_calls(2, 100) < 50);
}

TEST_CASE("an encoder of five channels of 16 bits applies the normalisation and the levels of its file") {
  using images = shape<16, 16, 5>;
  const basic_preprocessing<5> how{
      .normalisation = {{{.1f, .2f, .3f, .4f, .5f}}, {{.5f, .4f, .3f, .2f, .1f}}},
      .levels = {level_rule::window, 100, 1100}};
  const encoder_model<infrared_encoder, images> model{file_of<infrared_encoder, images>(how)};
  CHECK(model.preprocessing() == how);
  image counts;
  const auto samples = counts.resize<std::uint16_t>(16, 16, 5);
  for (std::size_t i = 0; i < samples.size(); ++i) samples[i] = static_cast<std::uint16_t>(i * 7 % 1300);
  inference_context context{model};
  const auto features = copy_of(context.encode(counts));

  std::vector<float> input;  // what the network shall see
  for (std::size_t i = 0; i < samples.size(); ++i)
    input.push_back((std::clamp((static_cast<float>(samples[i]) - 100) / 1000, 0.f, 1.f) -
                     how.normalisation.mean.channel[i % 5]) /
                    how.normalisation.deviation.channel[i % 5]);
  const auto expected = context.encode_tensor({input.data(), 1});
  for (std::size_t i = 0; i < features.size(); ++i)
    CHECK(static_cast<double>(features[i]) ==
          doctest::Approx(static_cast<double>(expected[i])).epsilon(1e-4));

  counts.range = {0, 1300};  // an image that states its range keeps it
  CHECK(copy_of(context.encode(counts)) != features);
  check_throws<std::invalid_argument>(
      [&] {
        context.encode(image_view{counts.pixels.data(), 16, 16, 3});
      },
      "image 0 of 1 has 3 channels, and the network is compiled for images of 5");
}

TEST_CASE("levels by percentiles follow each image") {
  const encoder_model<own_encoder, images_shape> model{
      file_of<own_encoder>({.levels = {level_rule::percentiles, 0, 100}})};
  inference_context context{model};
  image dim, bright;
  std::ranges::generate(dim.resize<float>(8, 8, 3), [i = 0]() mutable { return static_cast<float>(i++); });
  std::ranges::generate(bright.resize<float>(8, 8, 3),
                        [i = 0]() mutable { return 1000 + 20 * static_cast<float>(i++); });
  const auto features = copy_of(context.encode(dim));
  const auto same = context.encode(bright);
  for (std::size_t i = 0; i < features.size(); ++i)
    CHECK(static_cast<double>(features[i]) == doctest::Approx(static_cast<double>(same[i])).epsilon(1e-4));
}

TEST_CASE("a batch larger than max_batch runs in parts and gives the same features") {
  const encoder_model<thin_resnet, images_shape> model{file_of<thin_resnet>()};
  const pictures some(7);
  inference_context whole{model}, parts{model, {.max_batch = 3}};
  CHECK(copy_of(whole.encode(some.views)) == copy_of(parts.encode(some.views)));
}

TEST_CASE("gray images are encoded, and images that are empty or of four channels are refused") {
  const encoder_model<own_encoder, images_shape> model{file_of<own_encoder>()};
  inference_context context{model};
  const std::vector<std::uint8_t> pixels(20 * 20 * 4, 100);
  const auto gray = copy_of(context.encode(image_view{pixels.data(), 20, 20, 1}));
  CHECK(gray == copy_of(context.encode(image_view{pixels.data(), 20, 20, 3})));
  CHECK_THROWS_WITH_AS(context.encode(image_view{pixels.data(), 20, 20, 4}),
                       "encode: image 0 of 1 has 4 channels; convert it to gray (1) or RGB (3)",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(context.encode(image_view{pixels.data(), 0, 20, 3}),
                       "encode: image 0 of 1 is empty: it has 0 x 20 pixels", std::invalid_argument);
  CHECK_THROWS_AS(context.encode(image_view{}), std::invalid_argument);
  CHECK(context.encode(std::span<const image_view>{}).empty());
  CHECK_THROWS_AS((inference_context{model, {.max_batch = 0}}), std::invalid_argument);
}

TEST_CASE("inputs that the caller prepared are encoded as they are, with any number of channels") {
  using infrared = shape<8, 8, 2>;
  const safetensors file = file_of<infrared_encoder, infrared>();
  const encoder_model<infrared_encoder, infrared> model{file};
  inference_context context{model, {.max_batch = 2}};
  tensor<float, infrared, cpu> inputs{3};
  for (std::size_t i = 0; i < inputs.view().size(); ++i) inputs.view().data[i] = static_cast<float>(i % 17);
  const auto found = copy_of(context.encode_tensor(inputs));
  std::vector<float> expected(3 * 5);
  on<cpu> execution;
  infrared_encoder::infer(execution, model.weights(), std::as_const(inputs).view(),
                          writes<on<cpu>, shape<5>>{expected.data(), 3});
  CHECK(found == expected);
}

TEST_CASE("bfloat16 and double contexts encode, too") {
  const pictures some(3);
  const safetensors file = file_of<thin_resnet>();
  const encoder_model<thin_resnet, images_shape> single{file};
  const encoder_model<thin_resnet, images_shape, on<cpu, bf16>> half{file};
  const encoder_model<thin_resnet, images_shape, on<cpu, fp64>> wide{file};
  inference_context in_single{single};
  inference_context in_half{half};
  inference_context in_wide{wide};
  const auto reference = in_wide.encode(some.views);
  const auto near = in_single.encode(some.views), rough = in_half.encode(some.views);
  for (std::size_t i = 0; i < reference.size(); ++i) {
    CHECK(near[i] == doctest::Approx(reference[i]).epsilon(1e-4));
    CHECK(std::abs(rough[i] - reference[i]) < .05f * (1 + std::abs(reference[i])));
  }
}

TEST_CASE("the features of a source are those of its images one by one, with their labels") {
  const encoder_model<thin_resnet, images_shape> model{file_of<thin_resnet>()};
  inference_context context{model};
  const builtin_source source{{.count = 70}};
  const feature_table table = encode_source(context, source);
  CHECK(table.count == 70);
  CHECK(table.width == context.feature_size);
  CHECK(table.values.size() == table.count * table.width);
  CHECK(table.labels.size() == 70);
  CHECK(table.labels[69] == 9);
  image picture;
  for (const std::size_t i : {0u, 63u, 64u, 69u}) {
    source.read(i, picture);
    const auto alone = context.encode(picture);
    for (std::size_t c = 0; c < table.width; ++c)
      CHECK(table.row(i)[c] == doctest::Approx(alone[c]).epsilon(1e-4));
  }
}
