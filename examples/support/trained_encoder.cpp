#include "trained_encoder.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <set>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <utility>

#include <pretext/data/image_list.hpp>
#include <pretext/data/image_statistics.hpp>
#include <pretext/evaluation/duplicates.hpp>
#include <pretext/inference/encoder_metadata.hpp>
#include <pretext/io/decode.hpp>
#include <pretext/io/file.hpp>
#include <pretext/io/utf8.hpp>

#include "command_line.hpp"
#include "compiled_parts.hpp"
#include "counted.hpp"
#include "exit_status.hpp"
#include "feature_plot.hpp"
#include "measured_images.hpp"
#include "on_device.hpp"
#include "run_folder.hpp"
#include "untrained_encoder.hpp"

namespace programs {
namespace {

using namespace pretext;

/// The recipe's words for what a file records of its images.
recipe recipe_of_file(const encoder_info& info, const std::filesystem::path& file) {
  if (info.input.height != info.input.width)
    throw_error<std::runtime_error>(file.string(), ": its encoder takes images of ", info.input.height, " x ",
                                    info.input.width, " pixels; the programs have encoders of square images");
  recipe config;
  config.method = "an encoder file";
  config.image_size = info.input.height;
  config.channels = info.channels;
  const sample_levels& levels = info.preprocessing.levels;
  const char* unit = levels.rule == level_rule::percentiles ? "%" : "";
  if (levels.rule != level_rule::whole_type)
    config.levels = str_cat(levels.low, unit, ":", levels.high, unit);
  return config;
}

trained_encoder open_encoder_file(const std::filesystem::path& file, const compute_options& compute) {
  const auto metadata = read_safetensors_metadata(file);
  const auto info = read_encoder_info({metadata, {}, file.string()});
  if (const auto text = metadata.find("recipe"); text != metadata.end()) {
    trained_encoder trained{nullptr, {}, file};
    read_text(text->second, file.string(), trained.config);
    trained.encoder = make_on_device<untrained_encoder>({trained.config, info}, compute);
    load_encoder(file, *trained.encoder);
    return trained;
  }
  if (!info)
    throw_error<std::runtime_error>(
        file.string(),
        ": its metadata says neither which encoder it is nor how its images are prepared; give a file that a "
        "program or save_encoder wrote");
  std::string fault;
  for (const encoder_choice& choice : compiled().encoders) try {
      if (choice.image_size != info->input.height || choice.channels != info->channels) continue;
      trained_encoder trained{nullptr, recipe_of_file(*info, file), file};
      trained.config.encoder = choice.name;
      trained.encoder = make_on_device<untrained_encoder>({trained.config, info}, compute);
      if (trained.encoder->feature_width() != info->features) continue;
      load_encoder(file, *trained.encoder);
      return trained;
    } catch (const std::runtime_error& error) { fault = error.what(); }
  throw_error<std::runtime_error>(
      file.string(), ": no encoder of this program takes ", info->input.height, " x ", info->input.width,
      " x ", info->channels, " and gives ", info->features,
      " values with these weights; compile one that does with cmake -DPRETEXT_ENCODERS=...",
      fault.empty() ? "" : "; ", fault);
}

/// One file as a source, for a query.
class single_image {
 public:
  single_image(std::filesystem::path path, decode_options options)
      : path_{std::move(path)}, options_{options} {}
  std::size_t size() const { return 1; }
  int label(std::size_t) const { return -1; }
  const std::vector<std::string>& class_names() const {
    static const std::vector<std::string> none;
    return none;
  }
  std::string name(std::size_t) const { return path_.string(); }
  void read(std::size_t, image& out) const {
    try {
      decode_image(read_file(path_), path_.string(), options_, out);
    } catch (const bad_image&) { throw; } catch (const std::runtime_error& error) {
      throw bad_image{error.what()};
    }
  }

 private:
  std::filesystem::path path_;
  decode_options options_;
};

any_source open_images(const recipe& config) {
  std::error_code error;
  if (std::filesystem::is_regular_file(config.data, error) &&
      is_image_suffix(pretext::detail::lower_case(std::filesystem::path{config.data}.extension().string())))
    return converted_source{single_image{config.data, decoding_of(config)}, config.channels,
                            levels_of(config)};
  return open_all_images(config);
}

}  // namespace

void add_feature_options(program_options& line, feature_options& options, const std::string& data) {
  options.compute.threads = std::max(1u, std::thread::hardware_concurrency());
  const auto run = line.add("--run", options.run, "folder of a pretraining run: its encoder");
  line.add("--encoder", options.encoder, "file of an encoder instead of a run").excludes(run);
  line.add("--data", options.data, data);
  line.add({"", &options.images, "--images", ""}, "number of images to use, spread evenly; 0: all");
  line.add("--out", options.out, "folder for the results");
  line.add({"", &options.on_bad_image, "--on-bad-image", "", one_of{{"stop", "skip"}}},
           "what to do about an unreadable image; default: as in the run");
  add_compute_options(line, options.compute);
}

int run_feature_program(program_options& line, feature_options& options, int argc, char** argv,
                        const std::function<int()>& body) {
  if (const auto status = line.parse(argc, argv)) return *status;
  for (int i = 0; i < argc; ++i) options.command_line += (i ? " " : "") + std::string{argv[i]};
  return run_program(std::filesystem::path{argv[0]}.filename().string(), [&] {
    expects(!options.run.empty() || !options.encoder.empty(),
            "nothing to encode with: give --run with the folder of a pretraining run, or --encoder with the "
            "file of an encoder");
    std::error_code error;
    std::filesystem::create_directories(options.out, error);
    if (error || !std::filesystem::is_directory(options.out, error))
      throw_error<std::runtime_error>(
          options.out.string(), ": cannot be made a folder for the results: ",
          (error ? error : std::make_error_code(std::errc::not_a_directory)).message());
    return body();
  });
}

trained_encoder open_trained_encoder(const feature_options& options) {
  std::filesystem::path file = options.encoder;
  if (file.empty()) {
    const run_folder folder{options.run};
    recipe config;
    folder.read_recipe(config);  // says how to start a run if there is none
    file = folder.encoder();
  }
  trained_encoder trained = open_encoder_file(file, options.compute);
  if (!options.on_bad_image.empty()) trained.config.on_bad_image = options.on_bad_image;
  return trained;
}

std::string encoder_hash(const trained_encoder& trained) {
  std::size_t count = 0;
  for (const parameter& p : trained.encoder->encoder_parameters())
    count = std::max(count, p.offset + p.size());
  std::uint64_t hash = 0;
  trained.encoder->read_values(
      [&](const float* values) { hash = sample_hash(view_of(values, 1, count, 1)); });
  return std::to_string(hash);
}

bool encoded_images::has_labels() const {
  return std::ranges::any_of(features.labels, [](int label) { return label >= 0; });
}

encoded_images encode_images(trained_encoder& trained, const std::string& data,
                             const feature_options& options) {
  recipe config = trained.config;
  expects(!data.empty() || config.method != "an encoder file", "give --data with the images");
  if (!data.empty()) {
    config.data = data;
    config.images = 0;
  }
  if (options.images > 0) config.images = options.images;
  encoded_images images;
  const any_source source = open_images(config);
  image_faults faults;
  images.features = encode(*trained.encoder, source, reading{options.compute.threads, config}, &faults);
  for (const auto& [index, fault] : faults) images.left_out[source.name(index)] = fault;
  report_faults(images.left_out, "left out");
  images.source = without(source, faults);
  for (auto& image : list_images(images.source, config.data).images)
    images.names.push_back(std::move(image.name));
  return images;
}

image thumbnail(const any_source& source, std::size_t index, std::size_t side) {
  image original;
  source.read(index, original);
  std::vector<float> samples;
  append_samples(original, 1, samples);
  const auto [low, high] = bounds_of(original.type, original.range);
  const std::size_t largest = std::max(original.height, original.width);
  const double scale = largest > side ? static_cast<double>(largest) / static_cast<double>(side) : 1;
  const auto reduced = [&](std::size_t extent) {
    return std::max<std::size_t>(1, static_cast<std::size_t>(static_cast<double>(extent) / scale));
  };
  image small_image{reduced(original.height), reduced(original.width), 3, {}};
  for (std::size_t row = 0; row < small_image.height; ++row)
    for (std::size_t column = 0; column < small_image.width; ++column)
      for (std::size_t c = 0; c < 3; ++c) {
        const std::size_t channel = original.channels < 3 ? 0 : c;
        float sum = 0, count = 0;
        const auto start = [](std::size_t i, std::size_t of, std::size_t extent) { return i * extent / of; };
        const std::size_t top = start(row, small_image.height, original.height),
                          left = start(column, small_image.width, original.width);
        const std::size_t bottom = std::max(top + 1, start(row + 1, small_image.height, original.height)),
                          right = std::max(left + 1, start(column + 1, small_image.width, original.width));
        for (std::size_t y = top; y < bottom; ++y)
          for (std::size_t x = left; x < right; ++x) {
            sum += samples[(y * original.width + x) * original.channels + channel];
            ++count;
          }
        const float value = (sum / count - low) / (high - low);
        small_image.pixels.push_back(
            static_cast<std::uint8_t>(std::isnan(value) ? 0 : std::clamp(value, 0.f, 1.f) * 255 + .5f));
      }
  return small_image;
}

report feature_report(const std::string& title, const trained_encoder& trained, const encoded_images& images,
                      const feature_options& options) {
  report page;
  page.title = title;
  page.command_line = options.command_line;
  page.facts = {{"Encoder", trained.config.encoder},
                {"Weights", trained.file.string()},
                {"Images", std::to_string(images.features.count)},
                {"Values of a feature", std::to_string(images.features.width)}};
  page.provenance = {{"Compiler", str_cat("C++", __cplusplus / 100 % 100, ", ", __VERSION__)}};
  if (!images.left_out.empty()) {
    page.notes.push_back(str_cat(unread(images.left_out.size()), " left out:"));
    for (const auto& [name, error] : images.left_out) page.notes.push_back(error);
  }
  return page;
}

scatter_plot feature_scatter(const encoded_images& images, const cpu::stream& stream) {
  return plot_of_features(images.features, images.has_labels(), images.source.class_names(), "images",
                          stream);
}

void write_feature_report(const report& page, const feature_options& options) {
  write_report(options.out / "report.html", page);
  std::printf("report: %s\n", pretext::detail::printable((options.out / "report.html").string()).c_str());
}

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == text.npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted.append(c == '"' ? 2 : 1, c);
  return quoted + '"';
}

std::vector<std::vector<std::string>> read_csv(const std::filesystem::path& path) {
  std::ifstream file{path, std::ios::binary};
  if (!file) throw_error<std::runtime_error>(path.string(), ": cannot be opened");
  const std::string text{std::istreambuf_iterator<char>{file}, {}};
  std::vector<std::vector<std::string>> rows;
  std::size_t line = 1;
  for (std::size_t at = 0; at < text.size();) {
    std::vector<std::string> row{""};
    bool end = false;
    while (!end && at < text.size()) {
      if (text[at] == '"' && row.back().empty()) {
        const std::size_t first_line = line;
        for (++at;; ++at) {
          if (at >= text.size())
            throw_error<std::runtime_error>(path.string(), ": line ", first_line, ": a quote is not closed");
          if (text[at] == '"' && (at + 1 >= text.size() || text[++at] != '"')) break;
          line += text[at] == '\n';
          row.back() += text[at];
        }
        if (at < text.size() && text[at] == '"') ++at;
      }
      if (at >= text.size()) break;
      const char c = text[at++];
      if (c == ',')
        row.emplace_back();
      else if (c == '\n')
        end = true;
      else if (c != '\r' || at >= text.size() || text[at] != '\n')
        row.back() += c;
    }
    ++line;
    if (row.size() > 1 || !row[0].empty()) rows.push_back(std::move(row));
  }
  return rows;
}

std::string number(double value) {
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, value, std::chars_format::general, 6).ptr};
}

void write_result(const feature_options& options, const char* name, const std::string& text) {
  write_atomically(options.out / name, text);
  std::fprintf(stderr, "wrote %s\n", pretext::detail::printable((options.out / name).string()).c_str());
}

}  // namespace programs
