#include "pictures.hpp"

#include <algorithm>
#include <fstream>

#include <nlohmann/json.hpp>
#include <pretext/io/file.hpp>

#include "choices.hpp"
#include "method_info.hpp"

namespace pretext {

static void to_json(nlohmann::json& to, const image& picture) {
  to = {{"height", picture.height},
        {"width", picture.width},
        {"channels", picture.channels},
        {"pixels", nlohmann::json::binary(picture.pixels)}};
}
static void from_json(const nlohmann::json& from, image& picture) {
  from.at("height").get_to(picture.height);
  from.at("width").get_to(picture.width);
  from.at("channels").get_to(picture.channels);
  picture.pixels = from.at("pixels").get_binary();
}
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(image_sheet, caption, columns, images, headings, title, about)

}  // namespace pretext

namespace programs {

using namespace pretext;

image to_picture(const float* rgb, std::size_t height, std::size_t width, const recipe& config) {
  const normalise normalisation = make_normalisation(config);
  const auto& [mean_rgb, deviation_rgb] = normalisation;
  const float mean[3] = {mean_rgb.r, mean_rgb.g, mean_rgb.b},
              deviation[3] = {deviation_rgb.r, deviation_rgb.g, deviation_rgb.b};
  image picture{height, width, 3, std::vector<std::uint8_t>(height * width * 3)};
  for (std::size_t i = 0; i < picture.pixels.size(); ++i)
    picture.pixels[i] =
        static_cast<std::uint8_t>(std::clamp(rgb[i] * deviation[i % 3] + mean[i % 3], 0.f, 1.f) * 255 + .5f);
  return picture;
}

std::size_t spread(std::size_t i, std::size_t count, std::size_t size) {
  return (i * size / count + i) % size;
}

std::vector<image_sheet> augmented_views(any_trainer& trainer, const recipe& config, const datasets& data) {
  const std::size_t shown = std::min<std::size_t>(8, data.train.size()), epochs = 3;
  const auto [height, width] = trainer.input_size();
  std::vector<image> pictures(shown);
  std::vector<image_view> views;
  std::vector<std::uint64_t> samples;
  for (std::size_t i = 0; i < shown; ++i) {
    samples.push_back(spread(i, shown, data.train.size()));
    data.train.read(samples.back(), pictures[i]);
    views.push_back(pictures[i]);
  }
  const bool pairs = info_of(config.method).pairs_views;
  image_sheet sheet{pairs ? "First row: original images. Below: their pairs of views in the first epochs."
                          : "First row: original images. Below: their views in the first epochs.",
                    shown,
                    {},
                    {}};
  if (!pairs) sheet.about = "Augmented views: the encoder's input during training.";
  const auto add = [&, rows = height, columns = width](const std::vector<float>& values) {
    for (std::size_t at = 0; at < values.size(); at += rows * columns * 3)
      sheet.images.push_back(to_picture(values.data() + at, rows, columns, config));
  };
  std::vector<float> originals;
  trainer.evaluation_views(views, originals);
  add(originals);
  for (std::uint32_t epoch = 0; epoch < epochs; ++epoch)
    add(trainer.make_views({.epoch = epoch, .images = views, .samples = samples, .seed = config.seed}));
  return {sheet};
}

void write_pictures(const std::filesystem::path& folder, const std::vector<image_sheet>& sheets) {
  const auto bytes = nlohmann::json::to_cbor(nlohmann::json(sheets));
  write_atomically(folder / "pictures.cbor", std::as_bytes(std::span{bytes}));
}

std::vector<image_sheet> read_pictures(const std::filesystem::path& folder) {
  const auto path = folder / "pictures.cbor";
  std::ifstream file{path, std::ios::binary};
  if (!file) return {};
  try {
    return nlohmann::json::from_cbor(file).get<std::vector<image_sheet>>();
  } catch (const nlohmann::json::exception& error) {
    throw_error<std::runtime_error>(path.string(), ": does not contain pictures; ", error.what());
  }
}

}  // namespace programs
