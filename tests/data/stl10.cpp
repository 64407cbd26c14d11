#include <cstdint>
#include <stdexcept>
#include <string>

#include <doctest/doctest.h>

#include <pretext/data/stl10.hpp>

#include "support/temporary_folder.hpp"

using namespace pretext;

namespace {

/// Three column-major planes whose values encode channel, row and column.
std::string record() {
  std::string bytes;
  for (unsigned c = 0; c < 3; ++c)
    for (unsigned x = 0; x < 96; ++x)
      for (unsigned y = 0; y < 96; ++y) bytes += static_cast<char>(50 * c + 2 * y + x);
  return bytes;
}

}  // namespace

TEST_CASE("STL-10 is read row by row, its labels count from 0, and unlabeled images have none") {
  const temporary_folder folder;
  write_atomically(folder / "train_X.bin", record() + record());
  write_atomically(folder / "train_y.bin", "\1\12");
  write_atomically(folder / "unlabeled_X.bin", record() + record() + record());
  const auto train = open_stl10(folder.path());
  REQUIRE(train.size() == 2);
  CHECK(train.label(0) == 0);
  CHECK(train.label(1) == 9);
  CHECK(train.class_names()[7] == "monkey");
  image picture;
  train.read(1, picture);
  bool same = picture.pixels.size() == 96 * 96 * 3;
  for (unsigned y = 0; y < 96 && same; ++y)
    for (unsigned x = 0; x < 96; ++x)
      for (unsigned c = 0; c < 3; ++c)
        same = same && picture.pixels[(y * 96 + x) * 3 + c] == static_cast<std::uint8_t>(50 * c + 2 * y + x);
  CHECK(same);
  const auto unlabeled = open_stl10(folder.path(), dataset_split::unlabeled);
  CHECK(unlabeled.size() == 3);
  CHECK(unlabeled.label(2) == -1);
}

TEST_CASE("labels that do not match the images are rejected with the names of both files") {
  const temporary_folder folder;
  write_atomically(folder / "test_X.bin", record());
  check_throws<std::runtime_error>([&] { open_stl10(folder.path(), dataset_split::test); },
                                   (folder / "test_y.bin").string(), "No such file");
  write_atomically(folder / "test_y.bin", "\1\2");
  check_throws<std::runtime_error>([&] { open_stl10(folder.path(), dataset_split::test); },
                                   (folder / "test_y.bin").string(), "2 labels", "1 images", "test_X.bin");
  write_atomically(folder / "test_y.bin", "\13");
  check_throws<std::runtime_error>([&] { open_stl10(folder.path(), dataset_split::test); },
                                   (folder / "test_y.bin").string(), "label 10");
  write_atomically(folder / "test_X.bin", record() + "x");
  check_throws<std::runtime_error>([&] { open_stl10(folder.path(), dataset_split::test); },
                                   (folder / "test_X.bin").string(), "27649 bytes");
}
