#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <pretext/data/builtin.hpp>

#include "support/temporary_folder.hpp"

using namespace pretext;

namespace {

image drawn(builtin_source::options options, std::size_t index) {
  image picture;
  builtin_source{options}.read(index, picture);
  return picture;
}

/// Gray pixels, normalised to mean zero and unit length.
std::vector<float> unit_pixels(const image& picture) {
  std::vector<float> gray(picture.pixels.size() / 3);
  for (std::size_t i = 0; i < gray.size(); ++i)
    for (std::size_t c = 0; c < 3; ++c) gray[i] += static_cast<float>(picture.pixels[3 * i + c]);
  const float mean = std::accumulate(gray.begin(), gray.end(), 0.0f) / static_cast<float>(gray.size());
  for (float& value : gray) value -= mean;
  const float norm = std::sqrt(std::inner_product(gray.begin(), gray.end(), gray.begin(), 0.0f));
  for (float& value : gray) value /= norm;
  return gray;
}

}  // namespace

TEST_CASE("a built-in picture is a pure function of seed and index, of any size") {
  CHECK(drawn({.seed = 5}, 17).pixels == drawn({.count = 18, .seed = 5}, 17).pixels);
  CHECK(drawn({.seed = 5}, 17).pixels != drawn({.seed = 6}, 17).pixels);
  CHECK(drawn({.seed = 5}, 17).pixels != drawn({.seed = 5}, 27).pixels);
  for (const std::size_t side : {1u, 7u, 32u, 96u}) {
    const image picture = drawn({.side = side}, 3);
    CHECK(picture.height == side);
    CHECK(picture.width == side);
    CHECK(picture.pixels.size() == 3 * side * side);
  }
}

TEST_CASE("a set with a later first index continues an earlier one") {
  const builtin_source all{{.count = 40}}, tail{{.count = 15, .first = 25}};
  for (std::size_t i = 0; i < 15; ++i) {
    CHECK(drawn({.first = 25}, i).pixels == drawn({}, 25 + i).pixels);
    CHECK(tail.label(i) == all.label(25 + i));
    CHECK(tail.name(i) == all.name(25 + i));
  }
}

TEST_CASE("there are ten classes of equal size, and every picture has contrast") {
  const builtin_source source{{.count = 400}};
  std::vector<int> counts(source.class_names().size());
  image picture;
  for (std::size_t i = 0; i < source.size(); ++i) {
    ++counts[static_cast<std::size_t>(source.label(i))];
    source.read(i, picture);
    const auto [darkest, brightest] = std::minmax_element(picture.pixels.begin(), picture.pixels.end());
    CHECK(*brightest - *darkest > 60);
  }
  CHECK(counts == std::vector<int>(10, 40));
}

TEST_CASE("nearest neighbours in pixel space hardly distinguish the classes") {
  const builtin_source source{{.count = 1200}};
  std::vector<std::vector<float>> rows;
  image picture;
  for (std::size_t i = 0; i < source.size(); ++i) {
    source.read(i, picture);
    rows.push_back(unit_pixels(picture));
  }
  const std::size_t bank = 1000, neighbours = 30;
  std::size_t correct = 0;
  for (std::size_t query = bank; query < rows.size(); ++query) {
    std::vector<std::pair<float, std::size_t>> similar;
    for (std::size_t i = 0; i < bank; ++i)
      similar.emplace_back(-std::inner_product(rows[i].begin(), rows[i].end(), rows[query].begin(), 0.0f), i);
    std::nth_element(similar.begin(), similar.begin() + neighbours, similar.end());
    std::vector<double> votes(10);
    for (std::size_t k = 0; k < neighbours; ++k)
      votes[static_cast<std::size_t>(source.label(similar[k].second))] += std::exp(-similar[k].first / 0.1f);
    const auto winner = std::max_element(votes.begin(), votes.end()) - votes.begin();
    correct += winner == source.label(query);
  }
  MESSAGE("nearest pixels are of the right class in " << correct << " of " << rows.size() - bank << " cases");
  CHECK(correct < 100);
}

TEST_CASE("pictures without pixels and indices past the end are rejected") {
  check_throws<std::invalid_argument>([] { builtin_source{{.side = 0}}; }, "0 x 0");
  image picture;
  check_throws<std::invalid_argument>([&] { builtin_source{{.count = 3}}.read(3, picture); },
                                      "no picture 3 among 3");
}
