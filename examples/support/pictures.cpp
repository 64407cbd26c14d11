#include "pictures.hpp"

#include <algorithm>
#include <charconv>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

#include <pretext/io/safetensors.hpp>
#include <pretext/io/utf8.hpp>

#include "measured_images.hpp"
#include "method_info.hpp"

namespace programs {

using namespace pretext;

image to_picture(const float* pixels, std::size_t height, std::size_t width, const recipe& config) {
  const auto [mean, deviation] = normalisation_of(config);
  const std::size_t channels = config.channels;
  image picture{height, width, 3, std::vector<std::uint8_t>(height * width * 3)};
  for (std::size_t i = 0; i < picture.pixels.size(); ++i) {
    const std::size_t channel = channels < 3 ? 0 : i % 3;
    const float value = pixels[i / 3 * channels + channel] * deviation[channel] + mean[channel];
    picture.pixels[i] = static_cast<std::uint8_t>(std::clamp(value, 0.f, 1.f) * 255 + .5f);
  }
  return picture;
}

std::size_t spread(std::size_t i, std::size_t count, std::size_t size) {
  return (i * size / count + i) % size;
}

sampled_images sample_images(const any_source& source, std::size_t count) {
  sampled_images sampled;
  count = std::min(count, source.size());
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t first = spread(i, count, source.size());
    for (std::size_t next = 0; next < std::min<std::size_t>(100, source.size()); ++next) try {
        const std::size_t index = (first + next) % source.size();
        image picture;
        source.read(index, picture);
        sampled.images.push_back(std::move(picture));
        sampled.samples.push_back(index);
        break;
      } catch (const bad_image&) {}
  }
  return sampled;
}

std::vector<image_sheet> augmented_views(any_trainer& trainer, const recipe& config, const datasets& data) {
  const sampled_images sampled = sample_images(data.train, 8);
  if (sampled.images.empty()) return {};
  const std::size_t shown = sampled.images.size(), epochs = 3;
  const auto [height, width] = trainer.input_size();
  const auto views = sampled.views();
  const bool pairs = info_of(config.method).pairs_views;
  image_sheet sheet{pairs ? "First row: original images. Below: their pairs of views in the first epochs."
                          : "First row: original images. Below: their views in the first epochs.",
                    shown,
                    {},
                    {}};
  if (!pairs) sheet.about = "Augmented views: the encoder's input during training.";
  const auto add = [&, rows = height, columns = width](const std::vector<float>& values) {
    for (std::size_t at = 0; at < values.size(); at += rows * columns * config.channels)
      sheet.images.push_back(to_picture(values.data() + at, rows, columns, config));
  };
  std::vector<float> originals;
  trainer.evaluation_views(views, originals);
  add(originals);
  for (std::uint32_t epoch = 0; epoch < epochs; ++epoch)
    add(trainer.make_views(
        {.epoch = epoch, .images = views, .samples = sampled.samples, .seed = config.seed}));
  return {sheet};
}

namespace {

/// The name of image or heading `number` of a sheet. All have five digits, so that their order is that of the
/// numbers.
std::string member(std::size_t sheet, std::size_t number) {
  const auto digits = [](std::size_t n) { return std::to_string(100000 + n % 100000).substr(1); };
  return digits(sheet) + "/" + digits(number);
}

image read_picture(const std::string& name, const safetensor& tensor, const std::string& file) {
  const auto& s = tensor.shape;
  const bool picture = tensor.dtype == "U8" && s.size() == 3 && s[0] * s[1] > 0 && (s[2] == 1 || s[2] == 3);
  if (!picture)
    throw_error<std::runtime_error>(file, ": ", pretext::detail::quote(name), " of dtype ", tensor.dtype,
                                    " and shape ", tensor.shape_text(), " is no picture");
  return {s[0], s[1], s[2], tensor.as<std::uint8_t>()};
}

}  // namespace

void write_pictures(const std::filesystem::path& folder, const std::vector<image_sheet>& sheets) {
  safetensors file;
  for (std::size_t k = 0; k < sheets.size(); ++k) {
    const image_sheet& sheet = sheets[k];
    const std::string prefix = member(k, 0) + "/";
    file.metadata[prefix + "caption"] = sheet.caption;
    file.metadata[prefix + "columns"] = std::to_string(sheet.columns);
    file.metadata[prefix + "title"] = sheet.title;
    file.metadata[prefix + "about"] = sheet.about;
    for (std::size_t i = 0; i < sheet.headings.size(); ++i)
      file.metadata[prefix + "heading/" + member(k, i)] = sheet.headings[i];
    for (std::size_t i = 0; i < sheet.images.size(); ++i) {
      const image& picture = sheet.images[i];
      file.tensors[member(k, i)] =
          safetensor::of<std::uint8_t>({picture.height, picture.width, picture.channels}, picture.pixels);
    }
  }
  write_safetensors(folder / pictures_file, file);
}

std::vector<image_sheet> read_pictures(const std::filesystem::path& folder) {
  const auto path = folder / pictures_file;
  if (std::error_code ignored; !std::filesystem::exists(path, ignored)) return {};
  const safetensors file = read_safetensors(path);
  std::vector<image_sheet> sheets;
  for (std::size_t k = 0;; ++k) {
    const std::string prefix = member(k, 0) + "/";
    const auto text = [&](const char* name) {
      const auto found = file.metadata.find(prefix + name);
      if (found == file.metadata.end())
        throw_error<std::runtime_error>(path.string(), ": has no metadata \"", prefix, name, "\"");
      return found->second;
    };
    if (!file.metadata.contains(prefix + "columns")) return sheets;
    image_sheet sheet;
    sheet.caption = text("caption");
    sheet.title = text("title");
    sheet.about = text("about");
    const std::string columns = text("columns");
    const auto [end, error] = std::from_chars(columns.data(), columns.data() + columns.size(), sheet.columns);
    if (error != std::errc{} || end != columns.data() + columns.size() || sheet.columns == 0 ||
        sheet.columns > 1000)
      throw_error<std::runtime_error>(path.string(), ": a sheet of pictures cannot have ",
                                      pretext::detail::quote(columns), " columns");
    for (std::size_t i = 0; file.metadata.contains(prefix + "heading/" + member(k, i)); ++i)
      sheet.headings.push_back(file.metadata.at(prefix + "heading/" + member(k, i)));
    for (std::size_t i = 0; file.tensors.contains(member(k, i)); ++i)
      sheet.images.push_back(read_picture(member(k, i), file.at(member(k, i)), path.string()));
    sheets.push_back(std::move(sheet));
  }
}

}  // namespace programs
