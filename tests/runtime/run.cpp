#include "cuda/device_pair.hpp"
#include "cuda/isolated_device.hpp"
#include "support/some_trainings.hpp"
#include "support/temporary_folder.hpp"

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

#include <pretext/cpu.hpp>
#include <pretext/kernels/gpu/operations.hpp>
#include <pretext/runtime/run.hpp>

using namespace pretext;
using namespace pretext::tests;

// Runs as programs make them: with metrics, checkpoints and Ctrl-C, on a device that is asked for many steps
// at a time.
namespace {

constexpr std::size_t picture_count = 11, all_steps = 25;  // of epochs of five steps
const loader_options in_pairs{.batch = 2, .seed = 5};

/// How often losses were read.
std::size_t looks = 0;

template <class Context>
std::unique_ptr<any_trainer> make_watched() {
  using method = byol<tiny_images, thin_trunk<basic_block, 4>, byol_head<9, 6>>;
  using learner = trainer<method, Context, chosen_optimizer>;
  using views = std::decay_t<decltype(two_views{one_view})>;
  using erased = trainer_adapter<learner, views, std::decay_t<decltype(evaluation)>>;
  struct watched : erased {
    using erased::erased;
    std::span<const double> wait_losses() override {
      ++looks;
      return erased::wait_losses();
    }
  };
  return std::make_unique<watched>(
      std::make_unique<learner>(method{}, chosen_optimizer{sgd{.momentum = .9}}, 3), two_views{one_view},
      evaluation);
}

enum class way { loaded, kept };

/// A run in a folder. At `stop_at` somebody presses Ctrl-C; at `break_at` the learning rate is none.
struct run_settings {
  std::size_t stop_at = all_steps, break_at = all_steps;
  bool resume = false, collapses = false;
  double checkpoint_seconds = 1e9;
};

template <class Context>
run_result run(const std::filesystem::path& folder, way how, const run_settings& asked = {}) {
  const auto trained = make_watched<Context>();
  const run_options settings{.steps = all_steps,
                             .steps_per_epoch = 5,
                             .batch = 2,
                             .schedule =
                                 [&](std::size_t step) {
                                   if (step == asked.stop_at) std::raise(SIGINT);
                                   const double rate = 0.05 / (1 + 0.1 * double(step));
                                   return step_values{step == asked.break_at ? 1e30 : rate, 0.95};
                                 },
                             .folder = folder,
                             .checkpoint_seconds = asked.checkpoint_seconds,
                             .monitor_every = 4,
                             .max_wait = 1e9,
                             .stop_on_collapse = asked.collapses,
                             .metric_names = {"steps_again"},
                             .after_epoch = [](std::size_t epoch) -> std::map<std::string, double> {
                               return {{"steps_again", 5 * double(epoch)}};
                             },
                             .config_fingerprint = "a test"};
  looks = 0;
  if (how == way::kept) {
    REQUIRE(trained->upload_dataset(picture_source(picture_count), in_pairs).empty());
    device_batches_tag of_the_device;
    return run_training(settings, *trained, of_the_device, asked.resume);
  }
  loader batches{picture_source(picture_count), in_pairs};
  return run_training(settings, *trained, batches, asked.resume);
}

/// All of metrics.csv but how quick it was.
std::vector<std::string> rows_of(const std::filesystem::path& folder) {
  std::ifstream file{folder / "metrics.csv"};
  std::vector<std::string> rows;
  std::size_t quick = 0;
  for (std::string line; std::getline(file, line);) {
    auto cells = pretext::detail::cells_of(line);
    if (rows.empty())
      while (cells[quick] != "images_per_second") ++quick;
    cells[quick].clear();
    std::string row;
    for (const auto& cell : cells) row += cell + ',';
    rows.push_back(row);
  }
  return rows;
}

/// All of a checkpoint but how long it took.
auto checkpoint_of(const std::filesystem::path& folder) {
  auto file = read_safetensors(folder / "checkpoint.safetensors");
  file.metadata.erase("seconds");
  std::map<std::string, std::vector<std::byte>> tensors;
  for (const auto& [name, tensor] : file.tensors) tensors.emplace(name, tensor.bytes);
  return std::pair{file.metadata, tensors};
}

void same_runs(const std::filesystem::path& one, const std::filesystem::path& other) {
  CHECK(rows_of(one) == rows_of(other));
  CHECK(checkpoint_of(one) == checkpoint_of(other));
}

/// The same steps, each with its loss read at once.
template <class Context>
std::vector<double> losses_one_by_one() {
  const auto trained = make_watched<Context>();
  loader batches{picture_source(picture_count), in_pairs};
  std::vector<double> losses;
  for (std::size_t step = 0; step < all_steps; ++step)
    losses.push_back(trained->step(batches.next(), {0.05 / (1 + 0.1 * double(step)), 0.95}));
  return losses;
}

}  // namespace

TEST_CASE("a run looks at its losses where it measures, and each is that of its own step") {
  const temporary_folder folder;
  const auto result = run<on<emulated>>(folder / "", way::kept);
  CHECK(result.steps == all_steps);
  CHECK(looks == 11);  // after the first step and wherever it measures
  const auto expected = losses_one_by_one<on<emulated>>();
  const auto seen = read_metrics(folder / "metrics.csv", "step", "loss");
  REQUIRE(seen.size() == 10);  // after 4, 5, 8, 10, 12, 15, 16, 20, 24 and 25 steps
  for (const auto& [step, loss] : seen)
    CHECK(loss == doctest::Approx(expected[static_cast<std::size_t>(step) - 1]).epsilon(1e-6));
  CHECK(result.loss == expected.back());
  CHECK(seen.back().first == all_steps);
}

TEST_CASE("runs on kept images, on loaded batches and from the other's checkpoint agree bit for bit") {
  using Context = on<emulated>;
  const temporary_folder all;
  const auto in = [&](const char* name) {
    std::filesystem::create_directories(all / name);
    return all / name;
  };
  run<Context>(in("loaded"), way::loaded);
  CHECK(looks == 11);
  run<Context>(in("kept"), way::kept);
  same_runs(in("kept"), in("loaded"));
  for (const way first : {way::loaded, way::kept}) {
    // Ctrl-C in the middle of an epoch, twice.
    const auto folder = in(first == way::kept ? "from_kept" : "from_loaded");
    const way second = first == way::kept ? way::loaded : way::kept;
    const auto begun = run<Context>(folder, first, {.stop_at = 7});
    CHECK(begun.interrupted);
    CHECK(begun.steps == (first == way::kept ? 8 : 6));  // what was asked for at once; one more is loaded
    CHECK(run<Context>(folder, second, {.stop_at = 13, .resume = true}).interrupted);
    CHECK(run<Context>(folder, first, {.resume = true}).steps == all_steps);
    same_runs(folder, in("loaded"));
  }
}

TEST_CASE("a run that the CPU began is gone on with on images that a device keeps") {
  const temporary_folder folder;
  CHECK(run<on<cpu>>(folder / "", way::loaded, {.stop_at = 7}).steps == 8);
  CHECK(looks == 8);  // a step is done when it has been asked for
  CHECK(run<on<isolated_device>>(folder / "", way::kept, {.stop_at = 13, .resume = true}).interrupted);
  CHECK(run<on<cpu>>(folder / "", way::loaded, {.resume = true}).steps == all_steps);
  CHECK(read_metrics(folder / "metrics.csv", "step", "loss").size() == 10);
}

TEST_CASE("a loss that is not a number ends the run as it does where every loss is read at once") {
  const auto compare = []<class Context>() {
    const temporary_folder all;
    for (const way how : {way::loaded, way::kept}) {
      if (how == way::kept && !has_separate_memory<typename Context::device>) continue;
      const auto whole = all / (how == way::kept ? "whole_kept" : "whole"),
                 broken = all / (how == way::kept ? "broken_kept" : "broken");
      std::filesystem::create_directories(whole);
      std::filesystem::create_directories(broken);
      // Both stop and save after ten steps or so; one of them is then given a rate that breaks its weights.
      const auto begun = run<Context>(broken, how, {.stop_at = 9});
      run<Context>(whole, how, {.stop_at = 9});
      CHECK_THROWS_WITH_AS(run<Context>(broken, how, {.break_at = 17, .resume = true}),
                           doctest::Contains(how == way::kept || has_separate_memory<typename Context::device>
                                                 ? "steps 17 to 20: the loss became"
                                                 : "step 19: the loss became"),
                           non_finite_loss);
      CHECK(checkpoint_of(broken) == checkpoint_of(whole));
      CHECK(begun.steps < 16);
      run<Context>(whole, how, {.resume = true});
      auto expected = rows_of(whole);
      expected.resize(8);  // the names and what was measured after 4, 5, 8, 10, 12, 15 and 16 steps
      CHECK(rows_of(broken) == expected);
      run<Context>(broken, how, {.resume = true});
      same_runs(broken, whole);
    }
  };
  compare.operator()<on<emulated>>();
  compare.operator()<on<cpu, fp32>>();
}
