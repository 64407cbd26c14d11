#include "datasets.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <stdexcept>
#include <system_error>

#include <pretext/core/expects.hpp>
#include <pretext/data/image_statistics.hpp>
#include <pretext/io/exif.hpp>
#include <pretext/io/file.hpp>
#include <pretext/io/utf8.hpp>
#include <pretext/runtime/interrupt.hpp>
#include <pretext/runtime/run_options.hpp>

#include "counted.hpp"
#include "image_readers.hpp"  // stamped by CMake: the readers of other formats that were found
#include "measured_images.hpp"

namespace programs {
namespace {

using namespace pretext;

/// At most `count` images (0: all), spread evenly over the source so that a source sorted by class keeps all
/// classes.
any_source limited(any_source source, std::size_t count) {
  if (count == 0 || count >= source.size()) return source;
  std::vector<std::size_t> chosen(count);
  for (std::size_t i = 0; i < count; ++i) chosen[i] = i * source.size() / count;
  return subset<any_source>{std::move(source), std::move(chosen)};
}

bool has_labels(const any_source& source) {
  if (source.class_names().size() < 2) return false;
  for (std::size_t i = 0; i < source.size(); ++i)
    if (source.label(i) >= 0) return true;
  return false;
}

/// Why a source cannot be evaluated with; `part` is "training" or "test". Empty if it can.
std::string missing_labels(const any_source& source, const std::string& part) {
  if (source.size() == 0) return "there are no " + part + " images";
  if (!has_labels(source)) return "the " + part + " images have no labels, such as " + source.name(0);
  return {};
}

void say_left_out(const any_source& source, const std::string& data, const std::string& part) {
  for (const auto& sentence : describe(source.left_out()))
    std::fprintf(stderr, "%s: %s\n", detail::printable(data).c_str(), detail::printable(sentence).c_str());
  if (!has_labels(source)) return;
  const std::size_t without = source.size() - labelled_images(source).size();
  if (without > 0 && !part.empty())
    std::fprintf(stderr, "%s: %zu of %zu %s images have no class, and %s\n", detail::printable(data).c_str(),
                 without, source.size(), part.c_str(),
                 part == "test" ? "are left out of evaluation" : "are used for pretraining only");
}

/// Says if photographs have an orientation that is ignored: looks at the beginning of 32 files.
void say_orientations(const any_source& source, const recipe& config) {
  if (config.exif_orientation != "ignore") return;
  const std::size_t looked_at = std::min<std::size_t>(32, source.size());
  std::size_t turned = 0;
  for (std::size_t i = 0; i < looked_at; ++i) try {
      const std::filesystem::path path{source.name(i * source.size() / looked_at)};
      if (std::error_code error; !std::filesystem::is_regular_file(path, error)) continue;
      const input_file file{path};
      // WebP files have it behind the pixels.
      const std::uint64_t most = path.extension() == ".webp" ? 1 << 24 : 1 << 16;
      std::vector<std::byte> start(std::min(file.size(), most));
      file.read(0, start);
      turned += read_exif_orientation(start) != 1;
    } catch (const std::runtime_error&) { continue; }
  if (turned > 0)
    std::fprintf(stderr,
                 "%zu of %zu photographs looked at have an EXIF orientation, which is ignored; give "
                 "--exif-orientation apply to turn them upright\n",
                 turned, looked_at);
}

/// The images of a recipe as they are stored; files are decoded to the recipe's channels.
datasets open_stored(const recipe& config) {
  if (config.data == "builtin") {
    const std::size_t train = config.images ? config.images : 8000,
                      test = config.test_images ? config.test_images : 2000;
    const any_source images = builtin_source{{.count = train, .side = config.image_size, .seed = 7}};
    return {images,
            builtin_source{
                {.count = test, .side = config.image_size, .seed = 7, .first = std::uint64_t{1} << 32}},
            {},
            images};
  }
  const decode_options decode = decoding_of(config);
  const any_source train = open_source(config.data, {.part = dataset_split::train, .decode = decode});
  say_left_out(train, config.data, "training");
  say_orientations(train, config);
  datasets data;
  data.found = train;
  if (has_test_part(config.data)) {
    data.train = limited(train, config.images);
    try {
      const any_source test = open_source(config.data, {.part = dataset_split::test, .decode = decode});
      say_left_out(test, config.data, "test");
      data.test = limited(test, config.test_images);
    } catch (const std::runtime_error& error) { data.unlabelled = error.what(); }
  } else if (has_labels(train)) {
    // Every tenth image that has a label becomes a test image.
    std::vector<std::size_t> for_training, for_testing;
    for (std::size_t i = 0, labelled = 0; i < train.size(); ++i)
      (train.label(i) >= 0 && labelled++ % 10 == 9 ? for_testing : for_training).push_back(i);
    data.train = limited(subset<any_source>{train, std::move(for_training)}, config.images);
    data.test = limited(subset<any_source>{train, std::move(for_testing)}, config.test_images);
  } else {
    data.train = limited(train, config.images);
  }
  if (data.unlabelled.empty()) data.unlabelled = missing_labels(data.train, "training");
  if (data.unlabelled.empty()) data.unlabelled = missing_labels(data.test, "test");
  return data;
}

any_source converted(const any_source& source, const recipe& config) {
  const sample_levels levels = levels_of(config);
  if (source.size() == 0 || (config.channels == 3 && levels == sample_levels{})) return source;
  return converted_source{source, config.channels, levels};
}

}  // namespace

decode_options decoding_of(const recipe& config) {
  return {
      .target_side = config.image_size,
      .max_pixels = config.max_pixels,
      .orientation = config.exif_orientation == "apply" ? exif_orientation::apply : exif_orientation::ignore,
      .channels = config.channels};
}

any_source open_all_images(const recipe& config) {
  if (config.data == "builtin") return converted(open_stored(config).train, config);
  const any_source found =
      open_source(config.data, {.part = dataset_split::train, .decode = decoding_of(config)});
  say_left_out(found, config.data, "");
  say_orientations(found, config);
  return converted(limited(found, config.images), config);
}

datasets open_datasets(recipe& config) {
  if (config.levels != "data") levels_of(config);  // a wrong text is refused before images are searched for
  datasets data = open_stored(config);
  measure_images(data.train, config);
  data.train = converted(data.train, config);
  data.test = converted(data.test, config);
  return data;
}

datasets open_labelled_datasets(recipe& config, const std::string& purpose) {
  const datasets data = open_datasets(config);
  if (!data.unlabelled.empty())
    throw_error<std::runtime_error>(purpose, " needs labelled training and test images: ", data.unlabelled,
                                    "; give --data a folder with train/<class>/ and test/<class>/ inside");
  return {labelled_images(data.train), labelled_images(data.test), {}, data.found};
}

any_source labelled_images(const any_source& source) {
  std::vector<std::size_t> labelled;
  for (std::size_t i = 0; i < source.size(); ++i)
    if (source.label(i) >= 0) labelled.push_back(i);
  if (labelled.size() == source.size()) return source;
  return subset<any_source>{source, std::move(labelled)};
}

image_faults for_each_batch(
    const any_source& source, const reading& how,
    const std::function<void(std::span<const image_view>, std::span<const std::uint64_t>)>& use) {
  if (source.size() == 0) return {};
  loader in_order{source, once_in_order(source.size(), how.threads, how.on_bad_image)};
  for (std::size_t i = 0; i < in_order.batches_per_epoch(); ++i) {
    // Without it, a stop request during a run would wait for the end of an evaluation.
    if (interrupt_guard::stop_requested()) throw interrupted{};
    const auto batch = in_order.next_unless(&interrupt_guard::stop_requested);
    if (!batch) throw interrupted{};
    if (!batch->images.empty()) use(batch->images, batch->samples);
  }
  if (in_order.skipped().size() == source.size() && !how.may_leave_out_all)
    throw_error<std::runtime_error>("none of the ", source.size(),
                                    " images can be read; the first: ", in_order.skipped().begin()->second);
  return in_order.skipped();
}

any_source without(const any_source& source, const image_faults& faults) {
  if (faults.empty()) return source;
  std::vector<std::size_t> readable;
  for (std::size_t i = 0; i < source.size(); ++i)
    if (!faults.contains(i)) readable.push_back(i);
  return subset<any_source>{source, std::move(readable)};
}

void report_faults(const std::map<std::string, std::string>& faults, const char* what) {
  if (faults.empty()) return;
  std::fprintf(stderr, "%s %s:\n", unread(faults.size()).c_str(), what);
  std::size_t shown = 0;
  for (const auto& [name, fault] : faults) {
    if (shown++ == 5) {
      std::fprintf(stderr, "  and %zu others\n", faults.size() - 5);
      break;
    }
    std::fprintf(stderr, "  %s\n", detail::printable(fault).c_str());
  }
}

feature_table encode(any_encoder& encoder, const any_source& source, const reading& how,
                     image_faults* faults) {
  feature_table table{0, encoder.feature_width(), {}, {}};
  table.values.reserve(source.size() * table.width);
  auto left_out = for_each_batch(
      source, how, [&](std::span<const image_view> images, std::span<const std::uint64_t> samples) {
        encoder.encode(images, table.values);
        for (const std::uint64_t sample : samples) table.labels.push_back(source.label(sample));
      });
  table.count = table.labels.size();
  if (faults) *faults = std::move(left_out);
  return table;
}

feature_table pixels(any_encoder& encoder, const any_source& source, const reading& how) {
  const std::size_t height = encoder.input_size().first, width = encoder.input_size().second;
  const std::size_t cell =
      std::max<std::size_t>(1, std::max(height, width) / 32);  // averages cell x cell pixels
  const std::size_t rows = height / cell, columns = width / cell;
  const std::size_t channels = encoder.channels();
  feature_table table{0, rows * columns * channels, {}, {}};
  table.values.reserve(source.size() * table.width);
  std::vector<float> views;
  for_each_batch(
      source, how, [&](std::span<const image_view> images, std::span<const std::uint64_t> samples) {
        for (const std::uint64_t sample : samples) table.labels.push_back(source.label(sample));
        views.clear();
        encoder.evaluation_views(images, views);
        for (std::size_t n = 0; n < images.size(); ++n)
          for (std::size_t k = 0; k < table.width; ++k) {
            const std::size_t row = k / channels / columns * cell, column = k / channels % columns * cell;
            float sum = 0;
            for (std::size_t i = 0; i < cell * cell; ++i)
              sum += views[((n * height + row + i / cell) * width + column + i % cell) * channels +
                           k % channels];
            table.values.push_back(sum / static_cast<float>(cell * cell));
          }
      });
  table.count = table.labels.size();
  return table;
}

}  // namespace programs
