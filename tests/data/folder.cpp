#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <map>
#include <stdexcept>
#include <string>
#include <system_error>
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

TEST_CASE("what is left out is printable, whatever files and folders are called") {
  const auto sentences = describe({.files = {{".a\x1b[2J", 1}},
                                   .folders = {"b\x1b[31m\r\n (it cannot be listed)"},
                                   .unknown_classes = {{"c\x07\n", 2}}});
  CHECK(sentences ==
        std::vector<std::string>{"1 file was left out: 1 .a\\x1b[2J",
                                 "1 folder was left out: b\\x1b[31m\\x0d\\x0a (it cannot be listed)",
                                 "2 images have a class that the training images lack: 2 c\\x07\\x0a"});
}

TEST_CASE("all suffixes of JPEG and PNG files are images, and other files are counted by suffix") {
  const temporary_folder folder;
  for (const char* name : {"a.jpg", "b.JPEG", "c.jpe", "d.JFIF", "e.pjpeg", "f.png", "g.apng"})
    put(folder / "x" / name, any_png());
  for (const char* name : {"1.webp", "2.WebP", "3.gif", "README"}) put(folder / "y" / name, "x");
  for (const char* name : {".DS_Store", "Thumbs.db", "Desktop.ini", "._a.jpg"}) put(folder / "x" / name, "x");
  const folder_source source{folder.path()};
  CHECK(source.size() == 7);
  CHECK(source.left_out().files == std::map<std::string, std::size_t>{{"", 1}, {".gif", 1}, {".webp", 2}});
  CHECK(describe(source.left_out()) ==
        std::vector<std::string>{"4 files were left out: 2 .webp, 1 without suffix, 1 .gif"});
}

TEST_CASE(
    "folders of systems and folders that cannot be listed are left out by name, the folder itself is not") {
  const temporary_folder folder;
  put(folder / "cat" / "1.png", any_png());
  put(folder / "dog" / "1.png", any_png());
  put(folder / "cat" / "@eaDir" / "1.png" / "THUMB.jpg", any_png());
  put(folder / "$RECYCLE.BIN" / "S-1" / "$R1.png", any_png());
  put(folder / "System Volume Information" / "x.png", any_png());
  put(folder / "__MACOSX" / "cat" / "1.png", any_png());
  put(folder / ".thumbnails" / "x.png", any_png());
  put(folder / "private" / "x.png", any_png());
  fs::permissions(folder / "private", fs::perms::none);
  std::error_code may_not_be_listed;  // root may list everything
  fs::directory_iterator{folder / "private", may_not_be_listed};
  const folder_source source{folder.path()};
  const auto& folders = source.left_out().folders;
  const auto has = [&](const std::string& name) {
    return std::any_of(folders.begin(), folders.end(),
                       [&](const auto& each) { return each.starts_with(name); });
  };
  CHECK(source.size() == (may_not_be_listed ? 2 : 3));
  for (const char* name : {"cat/@eaDir", "$RECYCLE.BIN", "System Volume Information", "__MACOSX"})
    CHECK(has(name));
  if (may_not_be_listed) {
    CHECK(has("private (Permission denied)"));
    check_throws<std::runtime_error>([&] { folder_source{folder / "private"}; }, "cannot list the folder");
  }
  fs::permissions(folder / "private", fs::perms::owner_all);
}

TEST_CASE("two classes that are links to one folder are both classes") {
  const temporary_folder folder, elsewhere;
  put(elsewhere / "x.png", any_png());
  put(elsewhere / "y.png", any_png());
  fs::create_directory_symlink(elsewhere.path(), folder / "dogs");
  fs::create_directory_symlink(elsewhere.path(), folder / "animals");
  const folder_source source{folder.path()};
  CHECK(source.size() == 4);
  CHECK(source.class_names() == std::vector<std::string>{"animals", "dogs"});
  CHECK(source.label(3) == 1);
}

TEST_CASE("images of classes that the training images lack have no label, and are counted by class") {
  const temporary_folder folder;
  for (const char* name : {"cat/1.png", "dog/1.png", "zebra/1.png", "zebra/2.png", "loose.png"})
    put(folder / name, any_png());
  folder_source source{folder.path()};
  source.set_class_names({"bird", "cat", "dog"});
  CHECK(source.label(0) == 1);
  CHECK(source.label(1) == 2);
  CHECK(source.label(2) == -1);
  CHECK(source.label(3) == -1);
  CHECK(source.left_out().unknown_classes == std::map<std::string, std::size_t>{{"zebra", 2}});
}

TEST_CASE("the file val_annotations.txt gives the images of a folder their classes") {
  const temporary_folder folder;
  for (const char* name : {"images/val_0.png", "images/val_1.png", "images/val_2.png", "images/val_3.png"})
    put(folder / name, any_png());
  put(folder / "val_annotations.txt",
      "val_0.png\tn02\t0\t32\t44\t62\r\nval_2.png\tn01\nval_3.png\tn02\t\nno tab\n");
  const folder_source source{folder.path()};
  CHECK(source.class_names() == std::vector<std::string>{"n01", "n02"});
  CHECK(source.label(0) == 1);
  CHECK(source.label(1) == -1);
  CHECK(source.label(2) == 0);
  CHECK(source.label(3) == 1);
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
