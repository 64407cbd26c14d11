#include <pretext/data/image_statistics.hpp>

#include "support/temporary_folder.hpp"

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <pretext/data/memory_source.hpp>

using namespace pretext;

namespace {

/// A source whose image 1 is bad.
struct damaged {
  memory_source source;
  std::size_t size() const { return source.size(); }
  int label(std::size_t index) const { return source.label(index); }
  const std::vector<std::string>& class_names() const { return source.class_names(); }
  std::string name(std::size_t index) const { return source.name(index); }
  void read(std::size_t index, image& out) const {
    if (index == 1) throw bad_image{"image 1 is damaged"};
    source.read(index, out);
  }
};

}  // namespace

TEST_CASE("mean and deviation of each channel are those of all its pixels within the range") {
  const memory_source source{std::vector<float>{0, 10, 4, 20, 2, 30, NAN, 999}, 1, 2, 2, {}, {}, {0, 40}};
  const auto found = statistics_of(source);
  REQUIRE(found.mean.size() == 2);
  CHECK(static_cast<double>(found.mean[0]) == doctest::Approx(.05));
  CHECK(static_cast<double>(found.deviation[0]) == doctest::Approx(std::sqrt(8. / 3) / 40));
  CHECK(static_cast<double>(found.mean[1]) == doctest::Approx((.25 + .5 + .75 + 1) / 4));
}

TEST_CASE("a channel without variance has deviation 1, so that it can be divided by") {
  const auto found = statistics_of(memory_source{std::vector<std::uint16_t>(8, 7), 2, 2, 1});
  CHECK(found.deviation[0] == 1);
}

TEST_CASE("statistics leave out images that cannot be read, and fail with the fault if all are bad") {
  const damaged source{memory_source{std::vector<std::uint8_t>{0, 0, 0, 255, 0, 0, 51, 51, 51}, 1, 1}};
  CHECK(static_cast<double>(statistics_of(source).mean[0]) == doctest::Approx(.1));
  const subset<any_source> bad{source, {1, 1}};
  check_throws<std::runtime_error>([&] { statistics_of(bad); }, "none of 2 images", "image 1 is damaged");
  check_throws<std::invalid_argument>([&] { statistics_of(any_source{}); }, "no images");
}

TEST_CASE("the window of a data set is percentiles of the samples of all images") {
  std::vector<std::uint16_t> samples;
  for (std::uint16_t i = 0; i <= 100; ++i) samples.push_back(static_cast<std::uint16_t>(500 + i));
  const memory_source source{samples, 1, 1, 1};
  CHECK(percentiles_of(source, 1, 99) == sample_range{501, 599});
  CHECK(percentiles_of(source, 0, 100, 2) == sample_range{500, 550});  // two images, spread evenly
}

namespace {
struct source_in_blocks : memory_source {
  using memory_source::memory_source;
  block_shape blocks() const { return {4, 2}; }
};
}  // namespace

TEST_CASE("a converted source and a part of it are read in the order of the blocks of the source") {
  const source_in_blocks images{std::vector<std::uint16_t>(9), 1, 1};
  const any_source converted = converted_source{images, 1}, part = subset<any_source>{converted, {0, 2}};
  CHECK(converted.blocks() == block_shape{4, 2});
  CHECK(part.blocks() == block_shape{4, 2});
}

TEST_CASE("a converted source gives other channels and levels") {
  const memory_source rgb{std::vector<std::uint16_t>{1000, 2000, 3000, 4000, 4000, 4000}, 1, 1};
  const converted_source gray{rgb, 1, {level_rule::window, 500, 5000}};
  image read;
  gray.read(0, read);
  CHECK(read.channels == 1);
  CHECK(read.samples<std::uint16_t>()[0] == 1815);  // .299 R + .587 G + .114 B
  CHECK(read.range == sample_range{500, 5000});
  check_throws<bad_image>(
      [&] {
        converted_source{rgb, 5}.read(0, read);
      },
      "index 0 of the images in memory", "has 3 channels", "5");
}
