#include <pretext/runtime/any_encoder.hpp>

#include "support/some_trainings.hpp"
#include "support/temporary_folder.hpp"

#include <algorithm>
#include <cstddef>
#include <type_traits>
#include <vector>

#include <doctest/doctest.h>

#include <pretext/cpu.hpp>
#include <pretext/inference/inference_context.hpp>

using namespace pretext;
using namespace pretext::tests;

namespace {

using network = thin_trunk<basic_block, 4>;
template <class Evaluation>
using adapter = encoder_adapter<network, tiny_images, on<cpu>, Evaluation>;
using normalised = adapter<std::decay_t<decltype(evaluation)>>;

std::vector<float> features_of(any_encoder& encoder, std::span<const image_view> images) {
  std::vector<float> features;
  encoder.encode(images, features);
  return features;
}

}  // namespace

TEST_CASE("features are those of the encoder on the evaluation views, appended in order") {
  normalised encoder{evaluation, 3};
  const pictures some(5);
  std::vector<float> views{7};
  encoder.evaluation_views(some.views, views);
  REQUIRE(views.size() == 1 + 5 * tiny_images::size);
  CHECK(views[0] == 7);
  std::vector<float> expected(5 * 8);
  encoder.change_values([&](float* values) {
    on<cpu> context;
    network::infer(context, weights<on<cpu>>{values, nullptr},
                   reads<on<cpu>, tiny_images>{views.data() + 1, 5},
                   writes<on<cpu>, shape<8>>{expected.data(), 5});
  });
  CHECK(features_of(encoder, some.views) == expected);
  CHECK(encoder.feature_width() == 8);
  CHECK(encoder.input_size() == std::pair<std::size_t, std::size_t>{8, 8});
}

TEST_CASE("more images than run together have the features that each has alone") {
  normalised encoder{evaluation, 3};
  const pictures some(3);
  std::vector<image_view> many;
  for (std::size_t i = 0; i < 300; ++i) many.push_back(some.views[i % 3]);
  const auto few = features_of(encoder, some.views), all = features_of(encoder, many);
  REQUIRE(all.size() == 300 * 8);
  for (std::size_t i = 0; i < all.size(); ++i) CHECK(all[i] == few[i % few.size()]);
}

TEST_CASE("an encoder that was saved has the same features behind any_encoder and as a model") {
  const temporary_folder folder;
  normalised saved{evaluation, 3}, loaded{evaluation, 4};
  const pictures some(5);
  const auto expected = features_of(saved, some.views);
  REQUIRE(features_of(loaded, some.views) != expected);
  save_encoder(folder / "encoder.safetensors", saved, 12, {{"recipe", "{}"}});
  CHECK(load_encoder(folder / "encoder.safetensors", loaded).unused ==
        std::vector<std::string>{"bn1.num_batches_tracked", "layer1.0.bn1.num_batches_tracked",
                                 "layer1.0.bn2.num_batches_tracked", "layer1.1.bn1.num_batches_tracked",
                                 "layer1.1.bn2.num_batches_tracked", "layer2.0.bn1.num_batches_tracked",
                                 "layer2.0.bn2.num_batches_tracked",
                                 "layer2.0.downsample.1.num_batches_tracked"});
  CHECK(features_of(loaded, some.views) == expected);

  const encoder_model<network, tiny_images> model{folder / "encoder.safetensors"};
  inference_context context{model};
  const auto found = context.encode(some.views);
  CHECK(std::ranges::equal(found, expected));
  CHECK(read_safetensors(folder / "encoder.safetensors").metadata.at("recipe") == "{}");
  CHECK(
      read_safetensors(folder / "encoder.safetensors").at("bn1.num_batches_tracked").as<std::int64_t>()[0] ==
      12);
}

TEST_CASE("an evaluation that no preprocessing describes is not recorded") {
  const temporary_folder folder;
  const augmentation gray{resized{}, grayscale{.probability = 1}};
  adapter<std::decay_t<decltype(gray)>> encoder{gray, 3};
  CHECK_FALSE(encoder.info().has_value());
  save_encoder(folder / "encoder.safetensors", encoder);
  using model = encoder_model<network, tiny_images>;
  check_throws<std::runtime_error>([&] { model{folder / "encoder.safetensors"}; },
                                   "does not record the preprocessing");
}
