#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <pretext/data/cifar.hpp>

#include "support/temporary_folder.hpp"

using namespace pretext;

namespace {

/// A record: `prefix` and three planes whose values encode channel, row and column.
std::string record(const std::string& prefix, unsigned salt) {
  std::string bytes = prefix;
  for (unsigned c = 0; c < 3; ++c)
    for (unsigned y = 0; y < 32; ++y)
      for (unsigned x = 0; x < 32; ++x) bytes += static_cast<char>(salt + 80 * c + y + x * 3);
  return bytes;
}

bool is_record(const image& picture, unsigned salt) {
  bool same = picture.height == 32 && picture.width == 32 && picture.channels == 3;
  for (unsigned y = 0; y < 32; ++y)
    for (unsigned x = 0; x < 32; ++x)
      for (unsigned c = 0; c < 3; ++c)
        same = same &&
               picture.pixels[(y * 32 + x) * 3 + c] == static_cast<std::uint8_t>(salt + 80 * c + y + x * 3);
  return same;
}

void write_cifar10(const temporary_folder& folder) {
  for (unsigned batch = 1; batch <= 5; ++batch) {
    std::string bytes;
    for (unsigned i = 0; i < batch; ++i) bytes += record({static_cast<char>(batch + i)}, 10 * batch + i);
    write_atomically(folder / ("data_batch_" + std::to_string(batch) + ".bin"), bytes);
  }
  write_atomically(folder / "test_batch.bin", record({'\3'}, 99));
}

}  // namespace

TEST_CASE("CIFAR-10 is read as interleaved pixels from all five files, with labels and names") {
  const temporary_folder folder;
  write_cifar10(folder);
  const auto train = open_cifar10(folder.path());
  REQUIRE(train.size() == 15);
  image picture;
  std::size_t index = 0;
  for (unsigned batch = 1; batch <= 5; ++batch)
    for (unsigned i = 0; i < batch; ++i, ++index) {
      train.read(index, picture);
      CHECK(is_record(picture, 10 * batch + i));
      CHECK(train.label(index) == static_cast<int>(batch + i));
    }
  CHECK(train.name(4) == "index 1 of " + (folder / "data_batch_3.bin").string());
  CHECK(train.class_names()[3] == "cat");
  const auto test = open_cifar10(folder.path(), dataset_split::test);
  REQUIRE(test.size() == 1);
  CHECK(test.label(0) == 3);
  write_atomically(folder / "batches.meta.txt", "a\nb\nc\nd\r\ne\nf\ng\nh\ni\nj\n\n");
  CHECK(open_cifar10(folder.path()).class_names()[3] == "d");
}

TEST_CASE("CIFAR-100 has its fine labels") {
  const temporary_folder folder;
  write_atomically(folder / "train.bin", record("\7\x63", 1) + record("\1\5", 2));
  const auto train = open_cifar100(folder.path());
  REQUIRE(train.size() == 2);
  CHECK(train.label(0) == 99);
  CHECK(train.label(1) == 5);
  CHECK(train.class_names().size() == 100);
  image picture;
  train.read(1, picture);
  CHECK(is_record(picture, 2));
}

TEST_CASE("a missing or truncated file and an invalid label are rejected by name") {
  const temporary_folder folder;
  write_cifar10(folder);
  const auto path = folder / "data_batch_4.bin";
  write_atomically(path, record({'\1'}, 0).substr(0, 3000));
  check_throws<std::runtime_error>([&] { open_cifar10(folder.path()); }, path.string(), "3000 bytes", "3073");
  write_atomically(path, "");
  check_throws<std::runtime_error>([&] { open_cifar10(folder.path()); }, path.string(), "0 bytes");
  write_atomically(path, record({'\1'}, 0) + record({'\12'}, 0));
  check_throws<std::runtime_error>([&] { open_cifar10(folder.path()); }, path.string(), "index 1",
                                   "label 10");
  std::filesystem::remove(path);
  check_throws<std::runtime_error>([&] { open_cifar10(folder.path()); }, path.string(), "No such file");
  check_throws<std::invalid_argument>([&] { open_cifar10(folder.path(), dataset_split::unlabeled); },
                                      "CIFAR-10");
}
