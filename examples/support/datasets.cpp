#include "datasets.hpp"

#include <algorithm>

#include <pretext/data/loader.hpp>

namespace programs {
namespace {

using namespace pretext;

/// At most `most` images, spread evenly over the source so that sorted folders keep their classes; 0 means
/// all.
any_source limited(any_source source, std::size_t most) {
  if (most == 0 || most >= source.size()) return source;
  std::vector<std::size_t> chosen(most);
  for (std::size_t i = 0; i < most; ++i) chosen[i] = i * source.size() / most;
  return subset<any_source>{std::move(source), std::move(chosen)};
}

}  // namespace

datasets open_datasets(const recipe& asked) {
  if (asked.data == "builtin") {
    const std::size_t train = asked.images ? asked.images : 8000,
                      test = asked.test_images ? asked.test_images : 2000;
    return {builtin_source{{.count = train, .side = asked.image_size, .seed = 7}},
            builtin_source{
                {.count = test, .side = asked.image_size, .seed = 7, .first = std::uint64_t{1} << 32}}};
  }
  const decode_options decode{.target_side = asked.image_size};
  any_source train = open_source(asked.data, {.part = dataset_split::train, .decode = decode});
  if (has_test_part(asked.data))
    return {
        limited(std::move(train), asked.images),
        limited(open_source(asked.data, {.part = dataset_split::test, .decode = decode}), asked.test_images)};
  if (!labelled(train)) return {limited(std::move(train), asked.images), {}};
  // Labels but nothing to be tested on: every tenth image is kept for that.
  std::vector<std::size_t> learned, tested;
  for (std::size_t i = 0; i < train.size(); ++i) (i % 10 == 9 ? tested : learned).push_back(i);
  return {limited(subset<any_source>{train, std::move(learned)}, asked.images),
          limited(subset<any_source>{train, std::move(tested)}, asked.test_images)};
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
    const auto batch = in_order.next();
    use(batch.images, first);
    first += batch.images.size();
  }
}

feature_table encode(any_encoder& encoder, const any_source& source, std::size_t threads) {
  feature_table all{source.size(), encoder.feature_width(), {}, {}};
  all.values.reserve(all.count * all.width);
  for_each_batch(source, threads, [&](std::span<const image_view> images, std::size_t) {
    encoder.encode(images, all.values);
  });
  for (std::size_t i = 0; i < source.size(); ++i) all.labels.push_back(source.label(i));
  return all;
}

feature_table pixels(any_encoder& encoder, const any_source& source, std::size_t threads) {
  const auto [height, width] = encoder.input_size();
  const std::size_t cell =
      std::max<std::size_t>(1, std::max(height, width) / 32);  // means of cell x cell pixels
  const std::size_t rows = height / cell, columns = width / cell;
  feature_table all{source.size(), rows * columns * 3, {}, {}};
  all.values.reserve(all.count * all.width);
  std::vector<float> views;
  for_each_batch(source, threads, [&](std::span<const image_view> images, std::size_t) {
    views.clear();
    encoder.evaluation_views(images, views);
    for (std::size_t n = 0; n < images.size(); ++n)
      for (std::size_t at = 0; at < all.width; ++at) {
        const std::size_t row = at / 3 / columns * cell, column = at / 3 % columns * cell;
        float sum = 0;
        for (std::size_t i = 0; i < cell * cell; ++i)
          sum += views[((n * height + row + i / cell) * width + column + i % cell) * 3 + at % 3];
        all.values.push_back(sum / static_cast<float>(cell * cell));
      }
  });
  for (std::size_t i = 0; i < source.size(); ++i) all.labels.push_back(source.label(i));
  return all;
}

}  // namespace programs
