#include "datasets.hpp"

#include <algorithm>

#include <pretext/data/loader.hpp>
#include <pretext/runtime/interrupt.hpp>

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

}  // namespace

datasets open_datasets(const recipe& config) {
  if (config.data == "builtin") {
    const std::size_t train = config.images ? config.images : 8000,
                      test = config.test_images ? config.test_images : 2000;
    return {builtin_source{{.count = train, .side = config.image_size, .seed = 7}},
            builtin_source{
                {.count = test, .side = config.image_size, .seed = 7, .first = std::uint64_t{1} << 32}}};
  }
  const decode_options decode{.target_side = config.image_size};
  any_source train = open_source(config.data, {.part = dataset_split::train, .decode = decode});
  if (has_test_part(config.data))
    return {limited(std::move(train), config.images),
            limited(open_source(config.data, {.part = dataset_split::test, .decode = decode}),
                    config.test_images)};
  if (!labelled(train)) return {limited(std::move(train), config.images), {}};
  // Labels but no test images: every tenth image becomes one.
  std::vector<std::size_t> for_training, for_testing;
  for (std::size_t i = 0; i < train.size(); ++i) (i % 10 == 9 ? for_testing : for_training).push_back(i);
  return {limited(subset<any_source>{train, std::move(for_training)}, config.images),
          limited(subset<any_source>{train, std::move(for_testing)}, config.test_images)};
}

bool labelled(const any_source& source) {
  if (source.size() == 0 || source.class_names().size() < 2) return false;
  for (std::size_t i = 0; i < source.size(); ++i)
    if (source.label(i) < 0) return false;
  return true;
}

void for_each_batch(const any_source& source, std::size_t threads,
                    const std::function<void(std::span<const image_view>, std::size_t)>& use) {
  if (source.size() == 0) return;
  loader in_order{source, once_in_order(source.size(), threads)};
  for (std::size_t first = 0; first < source.size();) {
    // Without it, a stop request during a run would wait for the end of an evaluation.
    if (interrupt_guard::stop_requested()) throw interrupted{};
    const auto batch = in_order.next_unless(&interrupt_guard::stop_requested);
    if (!batch) throw interrupted{};
    use(batch->images, first);
    first += batch->images.size();
  }
}

feature_table encode(any_encoder& encoder, const any_source& source, std::size_t threads) {
  feature_table table{source.size(), encoder.feature_width(), {}, {}};
  table.values.reserve(table.count * table.width);
  for_each_batch(source, threads, [&](std::span<const image_view> images, std::size_t) {
    encoder.encode(images, table.values);
  });
  for (std::size_t i = 0; i < source.size(); ++i) table.labels.push_back(source.label(i));
  return table;
}

feature_table pixels(any_encoder& encoder, const any_source& source, std::size_t threads) {
  const auto [height, width] = encoder.input_size();
  const std::size_t cell =
      std::max<std::size_t>(1, std::max(height, width) / 32);  // averages cell x cell pixels
  const std::size_t rows = height / cell, columns = width / cell;
  feature_table table{source.size(), rows * columns * 3, {}, {}};
  table.values.reserve(table.count * table.width);
  std::vector<float> views;
  for_each_batch(source, threads, [&](std::span<const image_view> images, std::size_t) {
    views.clear();
    encoder.evaluation_views(images, views);
    for (std::size_t n = 0; n < images.size(); ++n)
      for (std::size_t k = 0; k < table.width; ++k) {
        const std::size_t row = k / 3 / columns * cell, column = k / 3 % columns * cell;
        float sum = 0;
        for (std::size_t i = 0; i < cell * cell; ++i)
          sum += views[((n * height + row + i / cell) * width + column + i % cell) * 3 + k % 3];
        table.values.push_back(sum / static_cast<float>(cell * cell));
      }
  });
  for (std::size_t i = 0; i < source.size(); ++i) table.labels.push_back(source.label(i));
  return table;
}

}  // namespace programs
