#include <pretext/runtime/run_state.hpp>

#include <map>
#include <string>

#include <doctest/doctest.h>

#include "support/temporary_folder.hpp"

using namespace pretext;

TEST_CASE("a run's state is read as it was written, faults of any text included") {
  const run_state state{.step = 12,
                        .seconds = 0.1,
                        .loss = 1.0 / 3,
                        .peak_memory = 1 << 20,
                        .skipped = {{3, "a.jpg: damaged"}, {40, "b\n\xe9.jpg: empty"}},
                        .config_fingerprint = "recipe",
                        .data_fingerprint = "2 images",
                        .rows_at_chance = 2};
  const run_state read = run_state_from(metadata_of(state), "file");
  CHECK(read.step == 12);
  CHECK(read.seconds == 0.1);
  CHECK(read.loss == 1.0 / 3);
  CHECK(read.peak_memory == 1 << 20);
  CHECK(read.skipped == std::map<std::size_t, std::string>{{3, "a.jpg: damaged"}, {40, "b ?.jpg: empty"}});
  CHECK(read.config_fingerprint == "recipe");
  CHECK(read.data_fingerprint == "2 images");
  CHECK(read.rows_at_chance == 2);
}

TEST_CASE("a checkpoint of an earlier version lacks what that version did not record") {
  const run_state read = run_state_from({{"step", "3"}, {"seconds", "1.500000"}, {"identity", ""}}, "file");
  CHECK(read.step == 3);
  CHECK(read.seconds == 1.5);
  CHECK(read.skipped.empty());
  CHECK(read.data_fingerprint.empty());
}

TEST_CASE("an entry that is no number as a whole is refused with the file's name") {
  const std::map<std::string, std::string> good{{"step", "3"}, {"seconds", "1"}, {"identity", ""}};
  const auto refused = [&](const std::string& name, const std::string& value) {
    auto metadata = good;
    metadata[name] = value;
    check_throws<std::runtime_error>([&] { run_state_from(metadata, "out/checkpoint.safetensors"); },
                                     "out/checkpoint.safetensors: the metadata \"" + name + "\" cannot be");
  };
  for (const char* word : {"", "x", "3zz", "-1", "99999999999999999999999", "2.5"}) refused("step", word);
  for (const char* word : {"", "x", "1e400", "nan", "inf", "1,5"}) refused("seconds", word);
  refused("loss", "low");
  check_throws<std::runtime_error>([&] { run_state_from({}, "file"); }, "file: has no metadata \"step\"");
}
