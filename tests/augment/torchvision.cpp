#include "rendering.hpp"

#include <doctest/doctest.h>
#include <string>
#include <vector>

#include "support/reference.hpp"

using namespace pretext;
using namespace pretext_tests;

namespace {

/// Results of torchvision's functions on float images; tests/reference computes them.
struct reference {
  safetensors file;
  std::vector<float_image> inputs;

  reference() {
    file = tests::reference("augmentations");
    const auto& shape = file.at("input").shape;
    for (std::size_t i = 0; i < shape.at(0); ++i)
      inputs.push_back({shape.at(2), shape.at(3), 3, expected("input", i)});
  }

  tests::setting number(const std::string& name) const { return tests::hyper_parameter(file, name); }
  image_extent extent(const std::string& name) const {
    const auto& shape = file.at(name).shape;
    return {shape.at(2), shape.at(3)};
  }

  /// Image `i` of a tensor (N, 3, H, W), channels last, clipped to [0, 1] as views are.
  std::vector<float> expected(const std::string& name, std::size_t i) const {
    const auto all = file.at(name).as<double>();
    const auto [height, width] = extent(name);
    const std::size_t plane = height * width;
    std::vector<float> image(3 * plane);
    for (std::size_t at = 0; at < plane; ++at)
      for (std::size_t c = 0; c < 3; ++c)
        image[3 * at + c] = color::clipped(static_cast<float>(all[(3 * i + c) * plane + at]));
    return image;
  }

  template <class Op>
  void check(const std::string& name, const Op& op, const typename Op::choice& choice) const {
    INFO(name);
    for (std::size_t i = 0; i < inputs.size(); ++i)
      CHECK(largest_difference(apply(op, choice, inputs[i]), expected(name, i)) < 1e-5);
  }
};

// A jitter with one operation.
template <class Jitter>
Jitter only(float Jitter::*strength) {
  Jitter jitter{.brightness = 0, .contrast = 0, .saturation = 0, .hue = 0};
  jitter.*strength = .5f;
  return jitter;
}

}  // namespace

TEST_CASE("resized crops are torchvision's, bilinear and bicubic, with and without antialias") {
  const reference torch;
  const auto box = torch.number("box_top_left_height_width").get<std::vector<std::int64_t>>();
  const auto check = [&](const std::string& name, interpolation method) {
    INFO(name);
    const augmentation crop{random_resized_crop<>{.method = method}};
    view_choices<augmentation<random_resized_crop<>>> choices;
    crop.chosen<random_resized_crop<>>(choices) = {box.at(0), box.at(1), box.at(2), box.at(3)};
    for (std::size_t i = 0; i < torch.inputs.size(); ++i)
      CHECK(largest_difference(render(crop, choices, torch.inputs[i], torch.extent(name)),
                               torch.expected(name, i)) < 1e-5);
  };
  check("resized_crop_bilinear", interpolation::bilinear);
  check("resized_crop_bilinear_antialias", interpolation::bilinear_antialias);
  check("resized_crop_bicubic", interpolation::bicubic);
  check("resized_crop_bicubic_antialias", interpolation::bicubic_antialias);
}

TEST_CASE("the four operations of a color jitter are torchvision's") {
  const reference torch;
  const auto factor = [&](const char* name) { return torch.number(name).get<float>(); };
  using jitter = torchvision_jitter;
  torch.check("brightness", only(&jitter::brightness),
              {.jittered = true, .brightness = factor("brightness")});
  torch.check("contrast", only(&jitter::contrast), {.jittered = true, .contrast = factor("contrast")});
  torch.check("saturation", only(&jitter::saturation),
              {.jittered = true, .saturation = factor("saturation")});
  torch.check("hue", only(&jitter::hue), {.jittered = true, .hue = factor("hue")});
}

TEST_CASE("flips, grayscale and solarizing are torchvision's") {
  const reference torch;
  torch.check("flip", horizontal_flip{}, true);
  torch.check("grayscale", grayscale{}, true);
  torch.check("solarize_half", solarize{}, true);
}

TEST_CASE("blurs with reflected borders are torchvision's") {
  const reference torch;
  std::size_t blurs = 0;
  for (const auto& [name, value] : torch.file.metadata) {
    if (!name.starts_with("sigma_")) continue;
    const std::string taps = name.substr(6);
    torch.check("blur_" + taps + "_reflect",
                gaussian_blur{.taps = std::stoul(taps), .border = padding::reflect},
                {torch.number(name).get<float>()});
    ++blurs;
  }
  CHECK(blurs > 0);
}
