// Tests of run.hpp with a communicator: detail/shard_of_run.hpp.
#include "support/for_each_shard.hpp"
#include "support/some_trainings.hpp"
#include "support/temporary_folder.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include <pretext/cpu.hpp>
#include <pretext/io/bad_image.hpp>
#include <pretext/runtime/run.hpp>

using namespace pretext;
using namespace pretext::tests;
using distributed::communicator;

namespace {

constexpr std::size_t all_steps = 6, shards = 4;

/// Pictures one of which cannot be read.
struct damaged_source : memory_source {
  damaged_source() : memory_source{picture_source(16)} {}

  void read(std::size_t index, image& to) const {
    if (index == 5) throw bad_image{"picture 5 is damaged"};
    memory_source::read(index, to);
  }
};

struct settings {
  std::optional<std::size_t> stopped_shard{};  // a stop is requested for it before step 3
  bool resume = false;
  std::vector<std::size_t> failing{};  // shards whose second evaluation fails
  bool shares = true;                  // evaluations have a collective
};

/// What the run of each shard returned, and its last losses.
struct outcome {
  std::vector<run_result> results = std::vector<run_result>(shards);
  std::string failure;
};

outcome run(std::size_t ranks, const std::filesystem::path& folder, const settings& chosen = {}) {
  outcome all;
  try {
    for_each_shard(ranks, shards, [&](communicator<cpu>& own) {
      const auto trained = make_byol<on<cpu>>();
      trained->set_communicator(&own);
      std::stop_source stop;
      const bool stops = chosen.stopped_shard == own.shard();
      const run_options options{.steps = all_steps,
                                .steps_per_epoch = 2,
                                .batch = 8,
                                .schedule =
                                    [&](std::size_t step) {
                                      if (stops && step == 2) stop.request_stop();
                                      return step_values{0.1, 0.9};
                                    },
                                .folder = folder,
                                .checkpoint_seconds = 1e9,
                                .monitor_every = 1,
                                .stop = stop.get_token(),
                                .stop_on_collapse = false,
                                .metric_names = {"shard", "sum"},
                                .after_epoch = [&](std::size_t epoch) -> std::map<std::string, double> {
                                  const bool fails = std::ranges::count(chosen.failing, own.shard()) > 0;
                                  if (fails && epoch == 2)
                                    throw std::runtime_error{str_cat("shard ", own.shard(), " fails")};
                                  double sum = double(own.shard());
                                  if (chosen.shares) own.all_reduce({}, &sum, 1);
                                  return {{"shard", double(own.shard())}, {"sum", sum}};
                                },
                                .config_fingerprint = "a test",
                                .communicator = &own};
      loader batches{damaged_source{},
                     {.batch = 8,
                      .seed = 5,
                      .on_bad_image = bad_image_policy::skip,
                      .shard = own.shard(),
                      .shards = shards}};
      all.results[own.shard()] = run_training(options, *trained, batches, chosen.resume);
    });
  } catch (const std::runtime_error& error) { all.failure = error.what(); }
  return all;
}

std::map<std::string, std::vector<std::byte>> checkpoint_of(const std::filesystem::path& folder) {
  std::map<std::string, std::vector<std::byte>> tensors;
  for (auto& [name, tensor] : read_safetensors(folder / "checkpoint.safetensors").tensors)
    tensors.emplace(name, tensor.bytes);
  return tensors;
}

}  // namespace

TEST_CASE("a run's checkpoint does not depend on the ranks that hold its shards, nor on resumes by others") {
  const temporary_folder four, two, changing;
  const auto first = run(4, four.path());
  CHECK(first.failure.empty());
  for (const run_result& each : first.results) {
    CHECK(each.steps == all_steps);
    CHECK(each.loss == first.results[0].loss);
    CHECK_FALSE(each.interrupted);
  }
  CHECK(run(2, two.path()).failure.empty());
  CHECK(checkpoint_of(two.path()) == checkpoint_of(four.path()));

  for (const std::size_t stopped : {0u, 3u}) {
    CAPTURE(stopped);
    const temporary_folder folder;
    for (const run_result& each : run(4, folder.path(), {.stopped_shard = stopped}).results) {
      CHECK(each.interrupted);
      CHECK(each.steps == 3);  // every shard has finished the step
    }
    for (const run_result& each : run(1, folder.path(), {.resume = true}).results)
      CHECK(each.steps == all_steps);
    CHECK(checkpoint_of(folder.path()) == checkpoint_of(four.path()));
  }
}

TEST_CASE("all shards evaluate, and the first one writes metrics and knows the bad images of all") {
  const temporary_folder folder;
  const auto all = run(2, folder.path());
  CHECK(all.results[0].skipped == std::map<std::size_t, std::string>{{5, "picture 5 is damaged"}});
  CHECK(read_run_state(folder / "checkpoint.safetensors").skipped == all.results[0].skipped);
  using rows = std::vector<std::pair<double, double>>;
  CHECK(read_metrics(folder / "metrics.csv", "step", "shard") == rows{{2, 0}, {4, 0}, {6, 0}});
  CHECK(read_metrics(folder / "metrics.csv", "step", "sum") == rows{{2, 6}, {4, 6}, {6, 6}});
}

TEST_CASE("an evaluation that fails ends the runs of all shards, after the checkpoint") {
  const std::vector<std::pair<std::vector<std::size_t>, std::string>> cases{
      {{0, 1, 2, 3}, "shard 0 fails"}, {{0, 2}, "shard 0 fails"}, {{2, 3}, "shard 2 fails"}};
  for (const auto& each : cases) {
    const auto& sentence = each.second;
    CAPTURE(sentence);
    const temporary_folder folder;
    const auto all = run(4, folder.path(), {.failing = each.first, .shares = false});
    CHECK(all.failure == sentence);
    for (std::size_t shard = 1; shard < shards; ++shard) CHECK(all.results[shard].failed);
    CHECK(read_run_state(folder / "checkpoint.safetensors").step == 4);
  }
}
