// Tests of loader.hpp and loader_options.hpp.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include <pretext/data/loader.hpp>

#include "support/temporary_folder.hpp"

using namespace pretext;

namespace {

/// Images of one pixel whose value is the index. Some are bad, some fail otherwise; counts the reads of each.
struct numbered_images {
  std::size_t count = 0;
  std::set<std::size_t> bad = {}, broken = {};
  std::shared_ptr<std::vector<std::atomic<int>>> reads =
      std::make_shared<std::vector<std::atomic<int>>>(count);
  std::vector<std::string> names = {"only"};

  std::size_t size() const { return count; }
  int label(std::size_t) const { return 0; }
  const std::vector<std::string>& class_names() const { return names; }
  std::string name(std::size_t index) const { return std::to_string(index); }
  void read(std::size_t index, image& out) const {
    ++(*reads)[index];
    if (index % 7 == 0) std::this_thread::sleep_for(std::chrono::microseconds{50});  // out of order
    if (bad.contains(index)) throw bad_image{"image " + std::to_string(index) + " is damaged"};
    if (broken.contains(index)) throw std::domain_error{"reading " + std::to_string(index) + " went wrong"};
    out = {1, 1, 3, {static_cast<std::uint8_t>(index), static_cast<std::uint8_t>(index / 256), 5}};
  }
};

struct taken {
  std::uint32_t epoch;
  std::size_t number;
  std::vector<std::uint64_t> samples;
  friend bool operator==(const taken&, const taken&) = default;
};

/// The next batches; every image must match its sample index.
std::vector<taken> take(loader& from, std::size_t batches) {
  std::vector<taken> all;
  for (std::size_t i = 0; i < batches; ++i) {
    const auto batch = from.next();
    REQUIRE(batch.images.size() == batch.samples.size());
    for (std::size_t k = 0; k < batch.images.size(); ++k)
      CHECK(batch.images[k].pixels[0] + 256u * batch.images[k].pixels[1] == batch.samples[k]);
    all.push_back({batch.epoch, batch.number, {batch.samples.begin(), batch.samples.end()}});
  }
  return all;
}

}  // namespace

TEST_CASE("an epoch has every image at most once in its own order, and drops the incomplete batch") {
  loader from{numbered_images{103}, {.batch = 10, .seed = 3}};
  CHECK(from.batches_per_epoch() == 10);
  const auto all = take(from, 20);
  for (std::uint32_t epoch = 0; epoch < 2; ++epoch) {
    std::set<std::uint64_t> seen;
    for (std::size_t i = 0; i < 10; ++i) {
      CHECK(all[10 * epoch + i].epoch == epoch);
      CHECK(all[10 * epoch + i].number == i);
      seen.insert(all[10 * epoch + i].samples.begin(), all[10 * epoch + i].samples.end());
    }
    CHECK(seen.size() == 100);
  }
  CHECK(all[0].samples != all[10].samples);
}

TEST_CASE("batches are the same for any number of threads, any cache and any number of batches ahead") {
  loader one{numbered_images{90, {4, 11, 12}}, {.batch = 16, .on_bad_image = bad_image_policy::skip}};
  const auto expected = take(one, 17);
  for (const std::size_t threads : {2u, 5u})
    for (const std::size_t cache : {0u, 1000u, 1u << 20}) {
      loader other{numbered_images{90, {4, 11, 12}},
                   {.batch = 16,
                    .threads = threads,
                    .on_bad_image = bad_image_policy::skip,
                    .cache_bytes = cache,
                    .ahead = threads}};
      CHECK(take(other, 17) == expected);
      CHECK(other.skipped() == one.skipped());
    }
}

TEST_CASE("seeking to a batch continues as if all before it had been taken") {
  const loader_options options{.batch = 8, .seed = 9, .threads = 2, .on_bad_image = bad_image_policy::skip};
  const numbered_images source{50, {3, 30}};
  loader whole{source, options};
  const auto all = take(whole, 20);
  for (const std::size_t at : {0u, 1u, 5u, 6u, 13u}) {
    loader resumed{source, options};
    resumed.seek(static_cast<std::uint32_t>(at / 6), at % 6);
    CHECK(take(resumed, 7) == std::vector<taken>(all.begin() + static_cast<std::ptrdiff_t>(at),
                                                 all.begin() + static_cast<std::ptrdiff_t>(at + 7)));
    resumed.seek(0, 6);  // the end of an epoch is the beginning of the next
    CHECK(take(resumed, 1)[0] == all[6]);
  }
}

TEST_CASE("a bad image stops the loader at its batch with its message, at every call of next") {
  const numbered_images good{60};
  loader reference{good, {.batch = 10, .seed = 4}};
  const auto all = take(reference, 3);
  const auto bad = static_cast<std::size_t>(all[2].samples[6]),
             worse = static_cast<std::size_t>(all[2].samples[8]);
  loader from{numbered_images{60, {bad, worse}}, {.batch = 10, .seed = 4, .threads = 3}};
  CHECK(take(from, 2) == std::vector<taken>(all.begin(), all.begin() + 2));
  for (int again = 0; again < 2; ++again)
    check_throws<bad_image>([&] { from.next(); }, "image " + std::to_string(bad) + " is damaged");
  from.seek(0, 1);
  CHECK(take(from, 1)[0] == all[1]);
}

TEST_CASE("bad images are replaced by good ones and listed once") {
  std::set<std::size_t> bad;
  for (std::size_t i = 0; i < 64; i += 3) bad.insert(i);
  loader from{numbered_images{64, bad}, {.batch = 16, .threads = 2, .on_bad_image = bad_image_policy::skip}};
  for (const auto& batch : take(from, 12))
    for (const auto sample : batch.samples) CHECK(sample % 3 != 0);
  CHECK(from.skipped().size() == bad.size());
  CHECK(from.skipped().at(33) == "image 33 is damaged");
}

TEST_CASE("loaders of the shards of a batch read its images once, in order, and replace the same bad ones") {
  const numbered_images source{50, {3, 10, 11, 40}};
  const loader_options options{.batch = 12, .threads = 2, .on_bad_image = bad_image_policy::skip};
  loader whole{source, options};
  const auto batches = take(whole, 9);
  for (const std::size_t shards : {1u, 2u, 3u, 12u}) {
    std::vector<taken> joined;
    for (std::size_t shard = 0; shard < shards; ++shard) {
      loader_options own = options;
      own.shard = shard;
      own.shards = shards;
      loader part{source, own};
      part.seek(0, 2);
      part.seek(0, 0);
      const auto parts = take(part, 9);
      if (shard == 0) joined.resize(parts.size());
      for (std::size_t i = 0; i < parts.size(); ++i) {
        joined[i].epoch = parts[i].epoch;
        joined[i].number = parts[i].number;
        joined[i].samples.insert(joined[i].samples.end(), parts[i].samples.begin(), parts[i].samples.end());
      }
    }
    CHECK(joined == batches);
  }
}

TEST_CASE("a batch that cannot be cut into shards is refused with sizes that can") {
  const auto refused = [](const loader_options& options, const char* sentence) {
    CHECK_THROWS_WITH_AS((loader{numbered_images{300}, options}), sentence, std::invalid_argument);
  };
  refused({.batch = 250, .shards = 8},
          "a batch of 250 images cannot be cut into 8 shards; choose 248 or 256");
  refused({.batch = 3, .shards = 8}, "a batch of 3 images cannot be cut into 8 shards; choose 8");
  refused({.batch = 8, .shard = 2, .shards = 2}, "a loader's shard 2 must be below the number of shards, 2");
  refused({.batch = 8, .drop_last = false, .shards = 2},
          "a smaller last batch cannot be cut into 2 shards; leave drop_last");
}

TEST_CASE("a source without a good image is an error, not an endless search") {
  loader from{numbered_images{4, {0, 1, 2, 3}}, {.batch = 2, .on_bad_image = bad_image_policy::skip}};
  check_throws<std::runtime_error>([&] { from.next(); }, "none of the 4 images", "is damaged");
}

TEST_CASE("other exceptions of a source reach the caller, also where bad images are skipped") {
  loader from{numbered_images{20, {}, {13}},
              {.batch = 20, .threads = 2, .on_bad_image = bad_image_policy::skip}};
  check_throws<std::domain_error>([&] { from.next(); }, "reading 13 went wrong");
}

TEST_CASE("memory that is missing for every image of a batch is one exception") {
  struct no_memory : std::bad_alloc {
    no_memory() { ++alive(); }
    no_memory(const no_memory&) noexcept { ++alive(); }
    ~no_memory() override { --alive(); }
    static std::atomic<int>& alive() {
      static std::atomic<int> count{0};
      return count;
    }
  };
  struct large_images : numbered_images {
    void read(std::size_t, image&) const { throw no_memory{}; }
  };
  loader batches{large_images{{.count = 100}}, {.batch = 50}};
  for (int i = 0; i < 2; ++i) CHECK_THROWS_AS(batches.next(), std::bad_alloc);
  CHECK(no_memory::alive() <= 2);  // one in each thread at most
}

TEST_CASE("cached images are decoded once, others in every epoch, bad files never again") {
  const numbered_images cached{32, {5}};
  loader from{cached, {.batch = 8, .threads = 2, .on_bad_image = bad_image_policy::skip}};
  take(from, 40);
  for (const auto& count : *cached.reads) CHECK(count <= 2);  // two threads may read the same image at once
  CHECK((*cached.reads)[5] <= 2);

  const numbered_images uncached{32};
  loader again{uncached, {.batch = 8, .cache_bytes = 0}};
  take(again, 40);
  for (const auto& count : *uncached.reads) CHECK(count >= 10);
}

TEST_CASE("a loader for evaluation keeps the order and the last, smaller batch") {
  loader from{numbered_images{10}, {.batch = 4, .shuffle = false, .drop_last = false}};
  CHECK(from.batches_per_epoch() == 3);
  const auto all = take(from, 4);
  CHECK(all[0].samples == std::vector<std::uint64_t>{0, 1, 2, 3});
  CHECK(all[2].samples == std::vector<std::uint64_t>{8, 9});
  CHECK(all[3] == taken{1, 0, {0, 1, 2, 3}});
}

TEST_CASE("once_in_order visits all images in order, however few there are") {
  for (const std::size_t images : {3u, 256u, 600u}) {
    loader from{numbered_images{images}, once_in_order(images, 2)};
    std::size_t seen = 0;
    for (std::size_t i = 0; i < from.batches_per_epoch(); ++i)
      for (const std::uint64_t sample : from.next().samples) CHECK(sample == seen++);
    CHECK(seen == images);
  }
}

TEST_CASE("a pass that leaves bad images out names them and keeps the order of the others") {
  for (const std::size_t threads : {1u, 3u}) {
    numbered_images source{600};
    source.bad = {0, 255, 300, 599};
    for (std::size_t i = 256; i < 512; ++i) source.bad.insert(i);  // a whole batch
    loader from{source, once_in_order(600, threads, bad_image_policy::leave_out)};
    std::vector<std::uint64_t> seen, expected;
    std::vector<std::size_t> sizes;
    for (std::size_t i = 0; i < from.batches_per_epoch(); ++i) {
      const auto batch = from.next();
      REQUIRE(batch.images.size() == batch.samples.size());
      sizes.push_back(batch.images.size());
      seen.insert(seen.end(), batch.samples.begin(), batch.samples.end());
    }
    for (std::size_t i = 0; i < 600; ++i)
      if (!source.bad.contains(i)) expected.push_back(i);
    CHECK(seen == expected);
    CHECK(sizes == std::vector<std::size_t>{254, 0, 87});
    CHECK(from.skipped().size() == source.bad.size());
    CHECK(from.skipped().at(300) == "image 300 is damaged");
  }
}

TEST_CASE("a loader that is destroyed early ends its threads") {
  for (int i = 0; i < 20; ++i) {
    loader from{numbered_images{200}, {.batch = 50, .threads = 3, .ahead = 4}};
    if (i % 2 == 0) from.next();
  }
}

TEST_CASE("a wait for an image that does not come ends on request, and the batch comes later") {
  struct stalled : numbered_images {
    std::shared_ptr<std::atomic<bool>> open = std::make_shared<std::atomic<bool>>(false);
    void read(std::size_t index, image& out) const {
      while (index == 3 && !*open) std::this_thread::sleep_for(std::chrono::milliseconds{1});
      numbered_images::read(index, out);
    }
  };
  const stalled source{{8}};
  loader from{source, {.batch = 8, .threads = 2}};
  int asked = 0;
  const auto began = std::chrono::steady_clock::now();
  CHECK_FALSE(from.next_unless([&] { return ++asked == 2; }));
  CHECK(asked == 2);
  CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds{2});
  *source.open = true;
  const auto batch = from.next_unless([] { return false; });
  REQUIRE(batch);
  CHECK(batch->number == 0);
  CHECK(batch->images.size() == 8);
  CHECK(take(from, 1)[0].epoch == 1);
}

TEST_CASE("a batch larger than the source is rejected with both sizes") {
  check_throws<std::invalid_argument>([] { loader{numbered_images{7}, {.batch = 8}}; }, "8", "7");
  check_throws<std::invalid_argument>([] { loader{numbered_images{7}, {.batch = 0}}; }, "batch");
  check_throws<std::invalid_argument>([] { loader{any_source{}, {.batch = 1, .drop_last = false}}; }, "0");
}
