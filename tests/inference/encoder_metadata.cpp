#include <pretext/inference/encoder_metadata.hpp>

#include "support/temporary_folder.hpp"

#include <string>

#include <doctest/doctest.h>

#include <pretext/augment/presets.hpp>

using namespace pretext;

namespace {

encoder_info with(const preprocessing& how) {
  return {.input = {24, 16}, .channels = 3, .features = 512, .preprocessing = how};
}

safetensors file_with(const preprocessing& how) {
  safetensors file;
  file.origin = "encoder.safetensors";
  write_encoder_info(with(how), file);
  return file;
}

}  // namespace

TEST_CASE("what is recorded is read back exactly, for every fit and interpolation") {
  for (const auto& [method, name] : detail::interpolation_names)
    for (const preprocessing& how :
         {preprocessing{.method = method, .normalisation = {}},
          preprocessing{
              .fit = image_fit::central_crop, .proportion = 1.f / 3, .round_down = true, .method = method},
          preprocessing{.fit = image_fit::shorter_side,
          .shorter_side = 292,
          .method = method,
          .normalisation = {{.1f, 1e-7f, .2f}, {1.f / 7, 3e5f, 1}}}}) {
      CAPTURE(name);
      const auto found = read_encoder_info(file_with(how));
      REQUIRE(found.has_value());
      CHECK(found->preprocessing == how);
      CHECK(found->input == image_extent{24, 16});
      CHECK(found->channels == 3);
      CHECK(found->features == 512);
      CHECK(found->version == with(how).version);
    }
}

TEST_CASE("the normalisation of any number of channels and the levels of the images are read back exactly") {
  encoder_info info = with({.levels = {level_rule::percentiles, .5f, 99.9f}});
  info.channels = 2;
  info.mean = {.1f, 1.f / 3};
  info.deviation = {1e-7f, 2};
  safetensors file;
  write_encoder_info(info, file);
  const auto found = read_encoder_info(file);
  REQUIRE(found.has_value());
  CHECK(found->mean == info.mean);
  CHECK(found->deviation == info.deviation);
  CHECK(found->preprocessing.levels == info.preprocessing.levels);
  CHECK(preprocessing_for<2>(*found) ==
        basic_preprocessing<2>{.normalisation = {{{.1f, 1.f / 3}}, {{1e-7f, 2}}},
                               .levels = info.preprocessing.levels});
  check_throws<std::invalid_argument>([&] { preprocessing_for<4>(*found); }, "not those of 4 channels");
}

TEST_CASE("the metadata are plain texts that any reader of safetensors understands") {
  const auto data = file_with(preprocessing_of(mae_evaluation())).metadata;
  CHECK(data == std::map<std::string, std::string>{{"library_version", "0.1.0"},
                                                   {"input_height", "24"},
                                                   {"input_width", "16"},
                                                   {"input_channels", "3"},
                                                   {"features", "512"},
                                                   {"image_fit", "shorter_side"},
                                                   {"shorter_side", "256"},
                                                   {"interpolation", "bicubic_antialias"},
                                                   {"mean", "0.485 0.456 0.406"},
                                                   {"std", "0.229 0.224 0.225"}});
}

TEST_CASE(
    "a file without a preprocessing has no information, and one with a broken value is refused by its key") {
  CHECK(!read_encoder_info(safetensors{}));
  for (const auto& [key, value] : {std::pair{"mean", "0.1 0.2"},
                                   {"std", "1 1 one"},
                                   {"std", "1 1 1 1"},
                                   {"interpolation", "cubic"},
                                   {"image_fit", ""},
                                   {"shorter_side", "-3"},
                                   {"input_height", "24 "},
                                   {"features", ""}}) {
    auto file = file_with(imagenet_preprocessing());
    file.metadata[key] = value;
    check_throws<std::runtime_error>([&, &broken = file] { read_encoder_info(broken); },
                                     "encoder.safetensors: the metadata \"", key, value);
  }
  auto file = file_with({});
  file.metadata.erase("mean");
  check_throws<std::runtime_error>([&] { read_encoder_info(file); },
                                   "encoder.safetensors: records a preprocessing without \"mean\"");
}
