#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <pretext/data/folder.hpp>

#include "support/pictures.hpp"
#include "support/temporary_folder.hpp"

using namespace pretext;
namespace fs = std::filesystem;

namespace {

void put(const fs::path& path, const std::string& bytes) {
  fs::create_directories(path.parent_path());
  write_atomically(path, bytes);
}

std::string any_png() { return png_of(2, 3, PNG_COLOR_TYPE_GRAY, 8, {1, 2, 3, 4, 5, 6}); }

}  // namespace

TEST_CASE("subfolders are classes in alphabetical order, for files at any depth and suffixes in any case") {
  const temporary_folder folder;
  put(folder / "dog" / "b.JPEG", jpeg_of(smooth_picture(8, 9)));
  put(folder / "dog" / "a.png", any_png());
  put(folder / "cat" / "deep" / "er" / "z.Jpg", jpeg_of(smooth_picture(8, 9)));
  put(folder / "cat" / "notes.txt", "no image");
  put(folder / "cat" / ".hidden.png", "no image either");
  put(folder / "loose.png", any_png());
  fs::create_directories(folder / "empty");
  const folder_source source{folder.path()};
  REQUIRE(source.size() == 4);
  CHECK(source.class_names() == std::vector<std::string>{"cat", "dog"});
  CHECK(source.name(0) == (folder / "cat/deep/er/z.Jpg").string());
  CHECK(source.name(1) == (folder / "dog/a.png").string());
  CHECK(source.label(0) == 0);
  CHECK(source.label(1) == 1);
  CHECK(source.label(2) == 1);
  CHECK(source.label(3) == -1);
  image picture;
  source.read(0, picture);
  CHECK(picture.width == 9);
  source.read(1, picture);
  CHECK(picture.pixels[3] == 2);
}

TEST_CASE("images in one class folder or in none have no labels") {
  const temporary_folder flat, single;
  put(flat / "1.png", any_png());
  put(single / "images" / "1.png", any_png());
  for (const auto* folder : {&flat, &single}) {
    const folder_source source{folder->path()};
    CHECK(source.size() == 1);
    CHECK(source.label(0) == -1);
    CHECK(source.class_names().empty());
  }
}

TEST_CASE("links are followed, and cycles of links end") {
  const temporary_folder folder, elsewhere;
  put(elsewhere / "x.png", any_png());
  put(folder / "a" / "1.png", any_png());
  fs::create_directory_symlink(elsewhere.path(), folder / "b");
  fs::create_directory_symlink(folder.path(), folder / "a" / "loop");
  const folder_source source{folder.path()};
  CHECK(source.size() == 2);
  CHECK(source.class_names() == std::vector<std::string>{"a", "b"});
}

TEST_CASE(
    "a file that is damaged, empty, gone or absurdly large is a bad image by name; the others are read") {
  const temporary_folder folder;
  const std::string jpeg = jpeg_of(smooth_picture(20, 20));
  put(folder / "0.jpg", jpeg);
  put(folder / "1.jpg", jpeg.substr(0, jpeg.size() / 2));
  put(folder / "2.jpg", "");
  put(folder / "3.png", "GIF89a");
  put(folder / "4.png", any_png());
  put(folder / "5.jpg", std::string(1'010'000, 'x'));
  const folder_source source{folder.path(), {.max_pixels = 1000}};
  image picture;
  source.read(0, picture);
  CHECK(picture.height == 20);
  const auto refused = [&](std::size_t index, const std::string& word) {
    check_throws<bad_image>([&] { source.read(index, picture); }, source.name(index) + ": ", word);
  };
  refused(1, "damaged JPEG");
  refused(2, "empty");
  refused(3, "neither JPEG nor PNG");
  fs::remove(folder / "4.png");
  refused(4, "No such file");
  refused(5, "1010000 bytes are too many");
}

TEST_CASE("a folder without images and a missing one are rejected with a message that says what was found") {
  const temporary_folder folder;
  check_throws<std::runtime_error>([&] { folder_source{folder.path()}; }, folder.path().string(),
                                   "no images");
  put(folder / "sub" / "film.mp4", "x");
  check_throws<std::runtime_error>([&] { folder_source{folder.path()}; }, "no images", "film.mp4");
  check_throws<std::runtime_error>([&] { folder_source{folder / "missing"}; }, (folder / "missing").string(),
                                   "cannot list", "No such file");
}
