#include <pretext/data/image_list.hpp>

#include "support/temporary_folder.hpp"

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include <pretext/data/builtin.hpp>
#include <pretext/data/folder.hpp>
#include <pretext/data/image_statistics.hpp>
#include <pretext/data/open.hpp>
#include <pretext/data/records.hpp>
#include <pretext/data/tar_writer.hpp>

using namespace pretext;

namespace {

void write(const std::filesystem::path& path, std::size_t bytes) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream{path} << std::string(bytes, 'x');
}

image_list listed(const std::filesystem::path& root) { return list_images(folder_source{root}, root); }

}  // namespace

TEST_CASE("a list has names relative to the root, sizes and classes; pixels are not read") {
  const temporary_folder folder;
  write(folder / "data/cat/1.jpg", 10);
  write(folder / "data/dog/2.png", 20);
  const image_list list = listed(folder / "data");
  CHECK(list.classes == std::vector<std::string>{"cat", "dog"});
  CHECK(list.images == std::vector<listed_image>{{"cat/1.jpg", 10}, {"dog/2.png", 20}});
  CHECK(fingerprint(list).starts_with("2 images, 2 classes, "));
  // The same with a slash at the end, on several threads, and after a move.
  CHECK(list_images(folder_source{folder / "data/"}, folder / "data/", cpu::stream{3}) == list);
  std::filesystem::rename(folder / "data", folder / "moved");
  CHECK(fingerprint(listed(folder / "moved")) == fingerprint(list));
  CHECK(list_images(builtin_source{{.count = 3}}).images.size() == 3);
}

TEST_CASE("images in archives have the size of their file, records that of the file with all records") {
  const temporary_folder folder;
  const auto fingerprint_of = [&](std::string_view contents) {
    tar_writer archive{folder / "a.tar"};
    archive.add("1.png", std::as_bytes(std::span{contents}));
    archive.add("2.png", std::as_bytes(std::span{contents}.first(1)));
    archive.commit();
    const image_list list = list_images(open_source(folder / "a.tar"), folder.path());
    CHECK(list.images ==
          std::vector<listed_image>{{"\"1.png\" in a.tar", contents.size()}, {"\"2.png\" in a.tar", 1}});
    return fingerprint(list);
  };
  CHECK(fingerprint_of("12345") != fingerprint_of("123456"));

  write(folder / "r/train.bin", 2 * 3074);
  const record_source records{{.height = 32, .width = 32, .before_pixels = 2}, {folder / "r/train.bin"}};
  const image_list expected{{}, {{"index 0 of train.bin", 6148}, {"index 1 of train.bin", 6148}}};
  CHECK(list_images(records, folder / "r") == expected);
  // Through sources that choose and convert.
  const any_source chosen = converted_source{subset<any_source>{records, {1}}, 1};
  CHECK(list_images(chosen, folder / "r").images == std::vector<listed_image>{expected.images[1]});
}

TEST_CASE("a list of an earlier version, without sizes inside of archives, differs by them alone") {
  const image_list earlier{{"c"}, {{"1 in a.tar", 0}, {"2 in a.tar", 0}}};
  const image_list now{{"c"}, {{"1 in a.tar", 5}, {"2 in a.tar", 6}}};
  CHECK(lacks_only_sizes(earlier, now));
  CHECK(difference_between(earlier, now).empty());
  CHECK(!lacks_only_sizes(now, earlier));
  CHECK(!lacks_only_sizes(earlier, {{"d"}, now.images}));
  CHECK(!lacks_only_sizes(earlier, {{"c"}, {now.images[1], now.images[0]}}));
  CHECK(difference_between(earlier, {{"c"}, {now.images[0]}}) ==
        "2 images then, 1 now; 1 was removed, the first of them '2 in a.tar'");
}

TEST_CASE("text holds any name, and its lines of another form are left out") {
  const image_list list{{"a b", "c\\n"},
                        {{"x\ny\r\\ z.jpg", 3}, {"\xe9.jpg", 4}, {"class 1.jpg", 5}, {"", 0}}};
  CHECK(image_list_from(to_text(list)) == list);
  CHECK(image_list_from("what\n-1 a\n12 b.jpg\n\n7 torn.jp").images ==
        std::vector<listed_image>{{"b.jpg", 12}});
}

TEST_CASE("a difference counts images that were added, removed or changed and names the first of each") {
  const image_list old{{"c", "d"}, {{"c/1", 10}, {"c/2", 20}, {"d/3", 30}}};
  const auto difference = [&](const image_list& now) { return difference_between(old, now); };
  CHECK(difference(old).empty());
  CHECK(difference({{"c", "d"}, {{"c/1", 10}, {"c/1b", 1}, {"c/2", 21}, {"d/4", 30}}}) ==
        "3 images then, 4 now; 2 were added, the first of them 'c/1b'; 1 was removed, the first of them "
        "'d/3'; "
        "1 changed its size, the first of them 'c/2'");
  CHECK(difference({{"c", "d"}, {{"c/2", 20}, {"c/1", 10}, {"d/3", 30}}}) ==
        "3 images then, 3 now; image 0 was 'c/1' and is 'c/2'");
  CHECK(difference({{"c", "d", "e"}, old.images}) ==
        "3 images then, 3 now; 2 classes then, 3 now, the first difference 'e'");
  CHECK(fingerprint(old) != fingerprint({old.classes, {{"c/1", 10}, {"c/2", 20}, {"d/3", 31}}}));
}
