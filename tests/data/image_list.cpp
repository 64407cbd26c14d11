#include <pretext/data/image_list.hpp>

#include "support/temporary_folder.hpp"

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <pretext/data/builtin.hpp>
#include <pretext/data/folder.hpp>

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
        "3 images then, 4 now; 2 were added, the first of them 'c/1b'; 1 were removed, the first of them "
        "'d/3'; "
        "1 changed their size, the first of them 'c/2'");
  CHECK(difference({{"c", "d"}, {{"c/2", 20}, {"c/1", 10}, {"d/3", 30}}}) ==
        "3 images then, 3 now; image 0 was 'c/1' and is 'c/2'");
  CHECK(difference({{"c", "d", "e"}, old.images}) ==
        "3 images then, 3 now; 2 classes then, 3 now, the first difference 'e'");
  CHECK(fingerprint(old) != fingerprint({old.classes, {{"c/1", 10}, {"c/2", 20}, {"d/3", 31}}}));
}
