#include "measured_images.hpp"

#include <charconv>
#include <cstdio>
#include <string>
#include <string_view>

#include <pretext/core/expects.hpp>
#include <pretext/data/image_statistics.hpp>

namespace programs {
namespace {

using namespace pretext;

/// The numbers of a text such as "0.5,0.25"; none if it is not a list of them.
std::vector<float> numbers_in(std::string_view text) {
  std::vector<float> numbers;
  const char *at = text.data(), *const end = at + text.size();
  for (; at < end; ++at) {
    float value = 0;
    const auto [stop, error] = std::from_chars(at, end, value);
    if (error != std::errc{} || (stop < end && (*stop != ',' || stop + 1 == end))) return {};
    numbers.push_back(value);
    at = stop;
  }
  return numbers;
}

std::string text_of(const std::vector<float>& numbers) {
  std::string text;
  for (const float number : numbers) text += str_cat(text.empty() ? "" : ",", number);
  return text;
}

}  // namespace

channel_normalisation normalisation_of(const recipe& config) {
  const std::string& text = config.normalisation;
  if (text == "none") return {std::vector<float>(config.channels, 0), std::vector<float>(config.channels, 1)};
  if (text == "cifar" || text == "imagenet") {
    expects(config.channels == 3, "--normalise ", text, " is for RGB images; with --channels ",
            config.channels, " choose none or data");
    if (text == "cifar") return {{.4914f, .4822f, .4465f}, {.2470f, .2435f, .2616f}};
    return {{.485f, .456f, .406f}, {.229f, .224f, .225f}};
  }
  const auto slash = text.find('/');
  const std::string_view all = text;
  channel_normalisation values{numbers_in(all.substr(0, slash)),
                               slash == text.npos ? std::vector<float>{} : numbers_in(all.substr(slash + 1))};
  expects(!values.mean.empty() && !values.deviation.empty(), "--normalise ", text,
          " is unknown; choose none, cifar, imagenet or data, or give means and deviations: 0.5,0.4/0.2,0.2");
  expects(values.mean.size() == config.channels && values.deviation.size() == config.channels, "--normalise ",
          text, " has ", values.mean.size(), " means and ", values.deviation.size(), " deviations for ",
          config.channels, config.channels == 1 ? " channel" : " channels");
  for (const float value : values.mean)
    expects(-1e6f < value && value < 1e6f, "--normalise ", text, ": a mean cannot be ", value);
  for (const float value : values.deviation)
    expects(0 < value && value < 1e6f, "--normalise ", text, ": a deviation cannot be ", value);
  return values;
}

sample_levels levels_of(const recipe& config) {
  if (config.levels == "type") return {};
  std::string text = config.levels;
  const bool percent = std::erase(text, '%') == 2;
  const auto colon = text.find(':');
  const std::string_view all = text;
  const auto low = numbers_in(all.substr(0, colon)),
             high = colon == text.npos ? std::vector<float>{} : numbers_in(all.substr(colon + 1));
  const auto finite = [](float value) { return -3e38f < value && value < 3e38f; };
  expects(low.size() == 1 && high.size() == 1 && finite(low[0]) && finite(high[0]) && low[0] != high[0] &&
              (!percent || (0 <= low[0] && low[0] < high[0] && high[0] <= 100)),
          "--levels ", config.levels,
          " is unknown; choose type or data, give the samples that become 0 and 1, such as 1000:30000, or "
          "ascending percentiles of each image, such as 1%:99%");
  return {percent ? level_rule::percentiles : level_rule::window, low[0], high[0]};
}

bool is_measured(const recipe& config) { return config.levels == "data" || config.normalisation == "data"; }

void measure_images(const any_source& stored, recipe& config) {
  if (!is_measured(config)) return;
  const bool levels = config.levels == "data", normalisation = config.normalisation == "data";
  if (levels) config.levels = "type";
  const any_source images = converted_source{stored, config.channels};
  if (levels) {
    const auto [low, high] = percentiles_of(images, .1f, 99.9f);
    if (low != high) config.levels = str_cat(low, ":", high);
    std::fprintf(stderr, "levels of the training images: --levels %s\n", config.levels.c_str());
  }
  if (normalisation) {
    const auto found = statistics_of(converted_source{images, config.channels, levels_of(config)});
    config.normalisation = text_of(found.mean) + "/" + text_of(found.deviation);
    std::fprintf(stderr, "mean and deviation of the training images: --normalise %s\n",
                 config.normalisation.c_str());
  }
}

}  // namespace programs
