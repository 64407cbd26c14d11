// Also tests data/shard_index.hpp, data/block_store.hpp and data/class_list.hpp.
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <pretext/data/class_list.hpp>
#include <pretext/data/loader.hpp>
#include <pretext/data/open.hpp>
#include <pretext/data/shard_source.hpp>
#include <pretext/data/tar_writer.hpp>

#include "support/pictures.hpp"
#include "support/temporary_folder.hpp"

using namespace pretext;
namespace fs = std::filesystem;

namespace {

using files = std::vector<std::pair<std::string, std::string>>;

fs::path write_tar(const fs::path& path, const files& contents) {
  fs::create_directories(path.parent_path());
  tar_writer archive{path};
  for (const auto& [name, text] : contents) archive.add(name, std::as_bytes(std::span{text}));
  archive.commit();
  return path;
}

/// A PNG of one pixel with this value.
std::string dot(std::size_t value) {
  return png_of(1, 1, PNG_COLOR_TYPE_GRAY, 8, {static_cast<std::uint8_t>(value)});
}

int value_of(const any_source& source, std::size_t index) {
  image picture;
  source.read(index, picture);
  return picture.pixels.at(0);
}

/// `count` samples in archives of `each`; sample i has pixel i and the class i % 3.
std::vector<fs::path> write_shards(const fs::path& folder, std::size_t count, std::size_t each) {
  std::vector<fs::path> paths;
  for (std::size_t first = 0; first < count; first += each) {
    files contents;
    for (std::size_t i = first; i < std::min(count, first + each); ++i) {
      contents.emplace_back(std::to_string(i) + ".cls", std::to_string(i % 3));
      contents.emplace_back(std::to_string(i) + ".png", dot(i));
      contents.emplace_back(std::to_string(i) + ".json", "{}");
    }
    paths.push_back(write_tar(folder / ("shard-" + std::to_string(paths.size()) + ".tar"), contents));
  }
  return paths;
}

}  // namespace

TEST_CASE("consecutive files of one key are a sample, as WebDataset writes them") {
  const temporary_folder folder;
  const auto first = write_tar(folder / "a.tar", {{"x/1.jpg", dot(1)},  // the content decides, not the suffix
                                                  {"x/1.cls", "2\n"},
                                                  {"x/1.json", "{}"},
                                                  {"x/1.seg.png", dot(9)},  // another member of the sample
                                                  {"y/1.PNG", dot(2)},      // another key
                                                  {"._z.png", dot(9)},
                                                  {"z", "no suffix"},
                                                  {"w.webp", "?"},
                                                  {"w.txt", "caption"},
                                                  {"../up.cls", "0"},
                                                  {"../up.png", dot(3)}});
  const auto second = write_tar(folder / "b.tar", {{"y/1.cls", "1"}, {"y/1.jpeg", dot(4)}});
  const shard_source source{{first, second}};
  REQUIRE(source.size() == 4);
  for (std::size_t i = 0; i < 4; ++i) CHECK(value_of(source, i) == static_cast<int>(i + 1));
  CHECK(source.label(0) == 2);
  CHECK(source.label(1) == -1);
  CHECK(source.label(2) == 0);
  CHECK(source.label(3) == 1);
  CHECK(source.class_names() == std::vector<std::string>{"0", "1", "2"});
  CHECK(source.name(2) == "\"../up.png\" in " + first.string());
  CHECK(source.left_out().files == std::map<std::string, std::size_t>{{".txt", 1}, {".webp", 1}});
}

TEST_CASE(
    "archives without images, classes that are no numbers or have no name, and damage are refused by name") {
  const temporary_folder folder;
  const auto refused = [&](const files& contents, std::vector<std::string> names, const std::string& word) {
    const auto path = write_tar(folder / "a.tar", contents);
    check_throws<std::runtime_error>([&] { shard_source{{path}, std::move(names)}; }, path.string(), word);
  };
  refused({{"1.txt", "x"}}, {}, "no images (.jpg, .jpeg, .png) in 1 archives; there are other files: 1 .txt");
  for (const char* label : {"cat", "-2", "1000000", "99999999999", "1 2", ""})
    refused({{"1.cls", label}, {"1.png", dot(1)}}, {}, "is no number below 1000000");
  refused({{"1.cls", "2"}, {"1.png", dot(1)}}, {"a", "b"}, "label 2 is none of the 2 classes");
  const auto path = write_tar(folder / "b.tar", {{"1.png", dot(1)}, {"2.jpg", "no image"}});
  const shard_source source{{path}};
  CHECK(value_of(source, 0) == 1);
  check_throws<bad_image>([&] { value_of(source, 1); }, "\"2.jpg\" in " + path.string(),
                          "neither JPEG nor PNG");
  fs::remove(path);
  const shard_source gone = [&] {
    write_tar(path, {{"1.png", dot(1)}});
    return shard_source{{path}};
  }();
  fs::resize_file(path, 520);
  check_throws<bad_image>([&] { value_of(gone, 0); }, path.string(), "ends");
  fs::remove(path);
  check_throws<bad_image>([&] { value_of(gone, 0); }, path.string(), "No such file");
}

TEST_CASE("an epoch reads every block about once, keeps a bounded number of bytes, and misses no sample") {
  const temporary_folder folder;
  const auto paths = write_shards(folder.path(), 250, 60);
  for (const std::size_t threads : {1, 3}) {
    // A sample takes 3 kB in its archive: headers, and three files that are padded to 512 bytes.
    const shard_source source{paths, {}, {.block = 4, .memory = 100'000}};
    CHECK(source.blocks().block == 4);
    loader batches{source, {.batch = 25, .seed = 3, .threads = threads, .cache_bytes = 0}};
    std::multiset<int> seen;
    for (std::size_t i = 0; i < batches.batches_per_epoch(); ++i)
      for (const image_view& each : batches.next().images) seen.insert(each.pixels[0]);
    CHECK(seen.size() == 250);
    CHECK(std::set<int>(seen.begin(), seen.end()).size() == 250);
    const auto read = source.statistics();
    CHECK(read.blocks_read >= 63);
    CHECK(read.blocks_read <= 63 + 63 / 2);  // and the batches that are read ahead
    CHECK(read.peak_bytes <= 100'000 + threads * 15'000);
  }
}

TEST_CASE("batches of archives do not depend on threads, and continue from any position") {
  const temporary_folder folder;
  const shard_source source{write_shards(folder.path(), 101, 30), {}, {.block = 4, .memory = 20'000}};
  const auto samples_of = [&](std::size_t threads, std::size_t first) {
    loader batches{source, {.batch = 10, .seed = 5, .threads = threads}};
    batches.seek(0, first);
    std::vector<std::uint64_t> samples;
    for (std::size_t i = first; i < 25; ++i) {
      const auto batch = batches.next();
      samples.insert(samples.end(), batch.samples.begin(), batch.samples.end());
      for (std::size_t n = 0; n < batch.images.size(); ++n)
        CHECK(batch.images[n].pixels[0] == batch.samples[n]);
    }
    return samples;
  };
  const auto all = samples_of(1, 0);
  CHECK(samples_of(4, 0) == all);
  CHECK(samples_of(2, 13) == std::vector<std::uint64_t>(all.begin() + 130, all.end()));
}

TEST_CASE("a block that several threads want is read once") {
  block_store store{1000};
  std::atomic<int> reads = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (std::size_t number = 0; number < 5; ++number)
        store.get(number, [&] {
          ++reads;
          std::this_thread::yield();
          return sample_block{std::vector<std::byte>(100), {}};
        });
    });
  for (auto& each : threads) each.join();
  CHECK(reads == 5);
  CHECK_THROWS_AS(store.get(7, []() -> sample_block { throw std::runtime_error{"unread"}; }),
                  std::runtime_error);
  CHECK(store.get(7, [] { return sample_block{std::vector<std::byte>(100), {}}; })->bytes.size() == 100);
  for (std::size_t number = 10; number < 40; ++number)
    store.get(number, [] { return sample_block{std::vector<std::byte>(100), {}}; });
  CHECK(store.statistics().peak_bytes == 1000);
}

TEST_CASE("names of classes survive their file, with line feeds and backslashes") {
  const temporary_folder folder;
  const std::vector<std::string> names{"cat", "new\nline", "back\\slash", " space ", "", "carriage\rreturn"};
  write_class_list(folder / "classes.txt", names);
  CHECK(read_class_list(folder / "classes.txt") == names);
  write_atomically(folder / "classes.txt", "cat\r\ndog");
  CHECK(read_class_list(folder / "classes.txt") == std::vector<std::string>{"cat", "dog"});
  CHECK(read_class_list(folder / "missing.txt").empty());
}

TEST_CASE("archives are opened from a folder, by parts or by name, and alone") {
  const temporary_folder folder;
  write_shards(folder / "flat", 10, 4);
  write_class_list(folder / "flat" / "classes.txt", std::vector<std::string>{"a", "b", "c"});
  const auto flat = open_source(folder / "flat");
  CHECK(flat.size() == 10);
  CHECK(flat.blocks().block == 16);
  CHECK(flat.class_names() == std::vector<std::string>{"a", "b", "c"});
  CHECK(!has_test_part(folder / "flat"));
  CHECK(open_source(folder / "flat" / "shard-1.tar").size() == 4);

  write_tar(folder / "named" / "set-train-000.tar", {{"1.png", dot(1)}, {"2.png", dot(2)}});
  write_tar(folder / "named" / "set-val-000.tar", {{"1.png", dot(3)}});
  write_tar(folder / "named" / "set-values-000.tar", {{"3.png", dot(4)}});
  CHECK(has_test_part(folder / "named"));
  CHECK(open_source(folder / "named").size() == 3);
  CHECK(open_source(folder / "named", {.part = dataset_split::test}).size() == 1);

  write_shards(folder / "parts" / "train", 6, 6);
  write_shards(folder / "parts" / "val", 4, 4);
  CHECK(open_source(folder / "parts").size() == 6);
  CHECK(open_source(folder / "parts", {.part = dataset_split::test}).label(2) == 2);
  write_class_list(folder / "parts" / "val" / "classes.txt", std::vector<std::string>{"a", "b", "c"});
  check_throws<std::runtime_error>([&] { open_source(folder / "parts", {.part = dataset_split::test}); },
                                   "classes.txt differs");

  // An archive beside images is one of the files that are left out.
  write_tar(folder / "photos" / "old.tar", {{"1.png", dot(1)}});
  write_atomically(folder / "photos" / "1.png", dot(5));
  CHECK(open_source(folder / "photos").left_out().files.at(".tar") == 1);
}
