#include <pretext/data/inspection_images.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <stdexcept>

#include <doctest/doctest.h>

#include "support/temporary_folder.hpp"

using namespace pretext;

namespace {

image read(const inspection_source::options& options, std::size_t index) {
  image picture;
  inspection_source{options}.read(index, picture);
  return picture;
}

}  // namespace

TEST_CASE("an inspection image is a pure function of seed and index, gray, and of 8 bits") {
  const inspection_source::options options{.count = 60, .side = 24};
  const image picture = read(options, 3);
  CHECK(picture.type == sample_type::uint8);
  CHECK(picture.channels == 1);
  CHECK(picture.height == 24);
  CHECK(picture.pixels == read(options, 3).pixels);
  auto later = options;
  later.first = 3;
  CHECK(picture.pixels == read(later, 0).pixels);
  auto other = options;
  other.seed = 2;
  CHECK(picture.pixels != read(other, 3).pixels);
  CHECK(picture.pixels != read(options, 9).pixels);  // of the same class
}

TEST_CASE("half of the inspection images are good, and all kinds of defects occur") {
  const inspection_source source{{.count = 200}};
  CHECK(source.class_names().size() == 6);
  std::array<int, 6> counts{};
  for (std::size_t i = 0; i < source.size(); ++i) ++counts[static_cast<std::size_t>(source.label(i))];
  CHECK(counts == std::array{100, 30, 30, 20, 10, 10});
}

TEST_CASE("a defect changes a part of its surface alone") {
  for (const int kind : {1, 2, 3, 4, 5})
    for (std::uint64_t sample = 0; sample < 20; ++sample) {
      const pretext::detail::surface_defect defect{kind, {.seed = 3, .sample = sample}};
      const textures::lattice outline{{.seed = 4, .sample = sample}};
      int changed = 0;
      for (int y = 0; y < 32; ++y)
        for (int x = 0; x < 32; ++x) {
          const auto [added, hidden] = defect(outline, (static_cast<float>(x) + .5f) / 32 - .5f,
                                              (static_cast<float>(y) + .5f) / 32 - .5f, 1.f / 32);
          changed += std::abs(added) > .04f || hidden > .5f;
        }
      INFO("kind ", kind, " of sample ", sample, ": ", changed, " pixels");
      CHECK(changed >= 5);
      CHECK(changed < 400);
    }
}

TEST_CASE("a side out of range is refused") {
  check_throws<std::invalid_argument>([] { inspection_source{{.side = 15}}; }, "16 to 4096");
}
