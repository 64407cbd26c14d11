#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <pretext/data/idx.hpp>

#include "support/temporary_folder.hpp"

using namespace pretext;

namespace {

std::string idx(const std::vector<unsigned>& extents, const std::string& data) {
  std::string bytes{'\0', '\0', '\x08', static_cast<char>(extents.size())};
  for (const unsigned extent : extents)
    for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(extent >> shift);
  return bytes + data;
}

}  // namespace

TEST_CASE(
    "MNIST's gray images are read as RGB, or as one channel on request, and labels are the names of "
    "classes") {
  const temporary_folder folder;
  write_atomically(folder / "images", idx({2, 1, 3}, "abcdef"));
  write_atomically(folder / "labels", idx({2}, {'\2', '\0'}));
  const auto source = open_idx(folder / "images", folder / "labels");
  REQUIRE(source.size() == 2);
  CHECK(source.label(0) == 2);
  CHECK(source.class_names() == std::vector<std::string>{"0", "1", "2"});
  image picture;
  source.read(1, picture);
  CHECK(picture.channels == 3);
  CHECK(picture.pixels == std::vector<std::uint8_t>{'d', 'd', 'd', 'e', 'e', 'e', 'f', 'f', 'f'});
  const auto gray = open_idx(folder / "images", {}, false);
  gray.read(0, picture);
  CHECK(picture.channels == 1);
  CHECK(picture.pixels == std::vector<std::uint8_t>{'a', 'b', 'c'});
  CHECK(gray.label(0) == -1);
}

TEST_CASE("an IDX file that is truncated at any byte or of another format is rejected by name") {
  const temporary_folder folder;
  const std::string whole = idx({2, 1, 3}, "abcdef");
  for (std::size_t length = 0; length < whole.size(); ++length) {
    CAPTURE(length);
    write_atomically(folder / "images", std::string_view{whole}.substr(0, length));
    check_throws<std::runtime_error>([&] { open_idx(folder / "images"); }, (folder / "images").string());
  }
  const auto refused = [&](const std::string& bytes, const std::string& word) {
    write_atomically(folder / "images", bytes);
    check_throws<std::runtime_error>([&] { open_idx(folder / "images"); }, (folder / "images").string(),
                                     word);
  };
  refused(whole + "g", "declares 2 items");
  refused(idx({0, 28, 28}, ""), "no images");
  refused(idx({0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF}, "x"), "truncated");
  refused(idx({2, 3}, "abcdefabcdef"), "not an IDX file");
  refused("\x1F\x8B\x08 compressed with gzip", "not an IDX file");
  write_atomically(folder / "images", whole);
  write_atomically(folder / "labels", idx({3}, "\1\1\1"));
  check_throws<std::runtime_error>([&] { open_idx(folder / "images", folder / "labels"); },
                                   (folder / "labels").string(), "3 labels", "2 images");
}
