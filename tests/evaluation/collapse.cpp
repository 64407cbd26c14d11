#include <pretext/evaluation/collapse.hpp>

#include "evaluation.hpp"

using namespace pretext;
using namespace pretext::tests;
using doctest::Approx;

TEST_CASE("embeddings at both ends of every axis have exactly the uniform standard deviation and full rank") {
  const std::size_t width = 24;
  feature_table axes{2 * width, width, std::vector<float>(2 * width * width), {}};
  for (std::size_t i = 0; i < 2 * width; ++i) axes.values[i * width + i / 2] = i % 2 ? 3.0f : -0.5f;
  const collapse_report seen = detect_collapse(axes);
  CHECK(seen.uniform_std == Approx(1 / std::sqrt(24.0)).epsilon(1e-12));
  CHECK(seen.std == Approx(seen.uniform_std).epsilon(1e-6));
  CHECK(seen.effective_rank == Approx(24).epsilon(1e-6));
  CHECK_FALSE(seen.collapsed);
  CHECK(seen.verdict ==
        "No collapse: standard deviation 0.204 per dimension, where 0.204 is spread evenly; effective rank "
        "24 of 24.");
}

TEST_CASE(
    "random directions have the uniform standard deviation, for more rows than dimensions and for fewer") {
  const collapse_report tall = detect_collapse(blobs(4000, 32, 1, 1000, 1)),
                        wide = detect_collapse(blobs(50, 200, 1, 1000, 2));
  CHECK(tall.std == Approx(tall.uniform_std).epsilon(0.02));
  CHECK(tall.effective_rank > 31);
  CHECK(wide.std == Approx(wide.uniform_std).epsilon(0.05));
  CHECK(wide.effective_rank > 40);
  CHECK(wide.effective_rank < 50);
  CHECK_FALSE(tall.collapsed);
  CHECK_FALSE(wide.collapsed);
}

TEST_CASE("embeddings of nearly the same direction have collapsed, whatever their length") {
  feature_table same = blobs(200, 64, 1, 1e-3, 3);
  for (std::size_t i = 0; i < same.values.size(); ++i) same.values[i] *= float(1 + i / 64 % 5);
  const collapse_report seen = detect_collapse(same);
  CHECK(seen.collapsed);
  CHECK(seen.std < 0.01 * seen.uniform_std);
  CHECK(seen.verdict.starts_with("Collapsed: all embeddings point nearly the same way (standard deviation "));
  std::ranges::fill(same.values, 1.0f);
  const collapse_report exact = detect_collapse(same);
  CHECK(exact.collapsed);
  CHECK(exact.std < 1e-6);
  CHECK(exact.effective_rank == 1);
  CHECK(exact.verdict_with("Try this.") == exact.finding + " Try this.");
  CHECK(exact.verdict_with("") == exact.verdict);
}

TEST_CASE("embeddings on a line have collapsed although they are far apart") {
  feature_table line = blobs(300, 128, 1, 0, 4);
  for (std::size_t i = 0; i < line.values.size(); ++i) line.values[i] *= i / 128 % 2 ? 1.0f : -1.0f;
  const collapse_report seen = detect_collapse(line);
  CHECK(seen.std > 0.5 * seen.uniform_std);
  CHECK(seen.effective_rank == Approx(1).epsilon(1e-3));
  CHECK(seen.collapsed);
  CHECK(seen.verdict.starts_with("Collapsed to few dimensions (standard deviation "));
}

TEST_CASE("embeddings with NaN or infinity are counted and reported") {
  feature_table broken = blobs(40, 8, 4, 1, 5);
  broken.values[9] = NAN;
  broken.values[10] = INFINITY;
  broken.values[300] = -INFINITY;
  const collapse_report seen = detect_collapse(broken);
  CHECK(seen.not_finite == 2);
  CHECK(seen.collapsed);
  CHECK(
      seen.verdict ==
      "2 of 40 embeddings are not finite: the weights have diverged. Try a smaller learning rate or a longer "
      "warm-up, and look for broken images.");
}

TEST_CASE("two classes in two dimensions are no collapse, and one embedding is refused") {
  CHECK_FALSE(detect_collapse(blobs(100, 2, 2, 0.1, 6)).collapsed);
  CHECK_THROWS_WITH_AS(detect_collapse(blobs(1, 2, 1, 1, 7)),
                       "collapse: one embedding cannot show whether embeddings differ",
                       std::invalid_argument);
}

TEST_CASE(
    "two views each of images that are perfectly told apart are no collapse, however few the images are") {
  for (const std::size_t images : {2u, 3u, 4u, 7u, 8u, 9u, 16u}) {
    CAPTURE(images);
    // Both views of an image are the same corner of a simplex: rank images - 1, the most that is possible.
    feature_table views{2 * images, 128, std::vector<float>(2 * images * 128), {}};
    for (std::size_t row = 0; row < 2 * images; ++row) {
      for (std::size_t c = 0; c < images; ++c) views.values[row * 128 + c] = -1 / float(images);
      views.values[row * 128 + row % images] += 1;
    }
    const collapse_report seen = detect_collapse(views, {}, 2);
    CHECK(seen.images == images);
    CHECK(seen.effective_rank == Approx(double(images - 1)).epsilon(1e-3));
    CHECK_FALSE(seen.collapsed);
    CHECK(seen.verdict.starts_with(images < 8 ? "No verdict: " : "No collapse: "));
  }
}

TEST_CASE("few images give no verdict, but NaN is found in them; eight on one line have collapsed") {
  const auto line = [](std::size_t images) {
    feature_table made = blobs(2 * images, 64, 1, 0, 4);
    for (std::size_t i = 0; i < made.values.size(); ++i) made.values[i] *= i / 64 % images % 2 ? 1.0f : -1.0f;
    return made;
  };
  CHECK_FALSE(detect_collapse(line(7), {}, 2).collapsed);
  CHECK(detect_collapse(line(8), {}, 2).collapsed);
  feature_table broken = line(2);
  broken.values[3] = NAN;
  CHECK(detect_collapse(broken, {}, 2).collapsed);
  CHECK_THROWS_WITH_AS(detect_collapse(line(2), {}, 3),
                       "collapse: 4 embeddings are not those of 3 views of each image",
                       std::invalid_argument);
}

TEST_CASE("the report does not depend on the number of threads") {
  const feature_table some = blobs(3000, 48, 5, 1, 8);
  const collapse_report one = detect_collapse(some), two = detect_collapse(some, cpu::stream{2});
  CHECK(one.std == two.std);
  CHECK(one.effective_rank == two.effective_rank);
}
