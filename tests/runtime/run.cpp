#include "cuda/device_pair.hpp"
#include "cuda/isolated_device.hpp"
#include "support/some_trainings.hpp"
#include "support/temporary_folder.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <map>
#include <set>
#include <sstream>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <pretext/cpu.hpp>
#include <pretext/kernels/gpu/operations.hpp>
#include <pretext/methods/dino.hpp>
#include <pretext/runtime/run.hpp>

using namespace pretext;
using namespace pretext::tests;

// Whole runs as the programs start them: with metrics, checkpoints and requests to stop, on devices that
// queue many steps.
namespace {

constexpr std::size_t picture_count = 11, all_steps = 25;  // of epochs of five steps
const loader_options in_pairs{.batch = 2, .seed = 5};

/// How often a run has read losses.
std::size_t loss_reads = 0;

/// The text of the plans that the device has chosen, and the texts that a resumed run gave it.
std::string chosen_plans;
std::vector<std::string> taken_plans;

template <class Context>
std::unique_ptr<any_trainer> make_counting() {
  using method = byol<tiny_images, thin_trunk<basic_block, 4>, byol_head<9, 6>>;
  using learner = trainer<method, Context, chosen_optimizer>;
  using views = std::decay_t<decltype(two_views{one_view})>;
  using adapter = trainer_adapter<learner, views, std::decay_t<decltype(evaluation)>>;
  struct counting : adapter {
    using adapter::adapter;
    std::span<const double> wait_losses() override {
      ++loss_reads;
      return adapter::wait_losses();
    }
    std::string plans() const override { return chosen_plans; }
    std::string take_plans(std::string_view text) override {
      if (text == "damaged") throw std::runtime_error{"line 1 is no choice"};
      taken_plans.emplace_back(text);
      return {};
    }
  };
  return std::make_unique<counting>(
      std::make_unique<learner>(method{}, chosen_optimizer{sgd{.momentum = .9}}, 3), two_views{one_view},
      evaluation);
}

/// Where batches are made: by a loader on the host, or by the device from uploaded images.
enum class batches_from { host, device };

/// At step `stop_at` a stop is requested; at step `break_at` the learning rate is so high that the weights
/// diverge.
struct run_settings {
  std::size_t stop_at = all_steps, break_at = all_steps;
  bool resume = false, collapses = false;
  double checkpoint_seconds = 1e9;
};

template <class Context>
run_result run(const std::filesystem::path& folder, batches_from source, const run_settings& settings = {}) {
  const auto trained = make_counting<Context>();
  std::stop_source stop;
  const run_options options{.steps = all_steps,
                            .steps_per_epoch = 5,
                            .batch = 2,
                            .schedule =
                                [&](std::size_t step) {
                                  if (step == settings.stop_at) stop.request_stop();
                                  const double rate = 0.05 / (1 + 0.1 * double(step));
                                  return step_values{step == settings.break_at ? 1e30 : rate, 0.95};
                                },
                            .folder = folder,
                            .checkpoint_seconds = settings.checkpoint_seconds,
                            .monitor_every = 4,
                            .stop = stop.get_token(),
                            .max_wait = 1e9,
                            .stop_on_collapse = settings.collapses,
                            .metric_names = {"steps_again"},
                            .after_epoch = [](std::size_t epoch) -> std::map<std::string, double> {
                              return {{"steps_again", 5 * double(epoch)}};
                            },
                            .config_fingerprint = "a test"};
  loss_reads = 0;
  if (source == batches_from::device) {
    REQUIRE(trained->upload_dataset(picture_source(picture_count), in_pairs).empty());
    device_batches_tag of_the_device;
    return run_training(options, *trained, of_the_device, settings.resume);
  }
  loader batches{picture_source(picture_count), in_pairs};
  return run_training(options, *trained, batches, settings.resume);
}

/// The rows of metrics.csv without the speed.
std::vector<std::string> rows_of(const std::filesystem::path& folder) {
  std::ifstream file{folder / "metrics.csv"};
  std::vector<std::string> rows;
  std::size_t speed = 0;
  for (std::string line; std::getline(file, line);) {
    auto cells = pretext::detail::cells_of(line);
    if (rows.empty())
      while (cells[speed] != "images_per_second") ++speed;
    cells[speed].clear();
    std::string row;
    for (const auto& cell : cells) row += cell + ',';
    rows.push_back(row);
  }
  return rows;
}

/// A checkpoint without its duration.
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

/// The losses of the same steps if each is read before the next step.
template <class Context>
std::vector<double> losses_one_by_one() {
  const auto trained = make_counting<Context>();
  loader batches{picture_source(picture_count), in_pairs};
  std::vector<double> losses;
  for (std::size_t step = 0; step < all_steps; ++step)
    losses.push_back(trained->step(batches.next(), {0.05 / (1 + 0.1 * double(step)), 0.95}));
  return losses;
}

}  // namespace

TEST_CASE("a run reads losses only where it measures, and each belongs to its step") {
  const temporary_folder folder;
  const auto result = run<on<emulated>>(folder / "", batches_from::device);
  CHECK(result.steps == all_steps);
  CHECK(loss_reads == 11);  // after the first step and for each measurement
  const auto expected = losses_one_by_one<on<emulated>>();
  const auto found = read_metrics(folder / "metrics.csv", "step", "loss");
  REQUIRE(found.size() == 10);  // after 4, 5, 8, 10, 12, 15, 16, 20, 24 and 25 steps
  for (const auto& [step, loss] : found)
    CHECK(loss == doctest::Approx(expected[static_cast<std::size_t>(step) - 1]).epsilon(1e-6));
  CHECK(result.loss == expected.back());
  CHECK(found.back().first == all_steps);
}

TEST_CASE("runs on uploaded images, on a loader's batches, and on both in turn agree bit for bit") {
  using Context = on<emulated>;
  const temporary_folder all;
  const auto in = [&](const char* name) {
    std::filesystem::create_directories(all / name);
    return all / name;
  };
  run<Context>(in("loaded"), batches_from::host);
  CHECK(loss_reads == 11);
  run<Context>(in("uploaded"), batches_from::device);
  same_runs(in("uploaded"), in("loaded"));
  for (const batches_from first : {batches_from::host, batches_from::device}) {
    // A stop in the middle of an epoch, twice.
    const auto folder = in(first == batches_from::device ? "from_uploaded" : "from_loaded");
    const batches_from second = first == batches_from::device ? batches_from::host : batches_from::device;
    const auto begun = run<Context>(folder, first, {.stop_at = 7});
    CHECK(begun.interrupted);
    CHECK(begun.steps == (first == batches_from::device
                              ? 8
                              : 6));  // the steps that were queued together; a loader loads one more
    CHECK(run<Context>(folder, second, {.stop_at = 13, .resume = true}).interrupted);
    CHECK(run<Context>(folder, first, {.resume = true}).steps == all_steps);
    same_runs(folder, in("loaded"));
  }
}

TEST_CASE("a run keeps the plans of its GPU beside the checkpoint, and a resumed run takes them") {
  const temporary_folder folder;
  const auto file = folder / "gpu_plans.txt";
  const auto text = [&] {
    std::ifstream in{file};
    return std::string{std::istreambuf_iterator<char>{in}, {}};
  };
  chosen_plans = "chosen";
  CHECK(run<on<emulated>>(folder / "", batches_from::device, {.stop_at = 7}).interrupted);
  CHECK(text() == "chosen");
  CHECK(taken_plans.empty());
  chosen_plans.clear();  // a device without plans keeps those of the run
  CHECK(run<on<emulated>>(folder / "", batches_from::device, {.stop_at = 13, .resume = true}).interrupted);
  CHECK(taken_plans == std::vector<std::string>{"chosen"});
  CHECK(text() == "chosen");
  std::ofstream{file} << "damaged";
  CHECK_THROWS_WITH_AS(run<on<emulated>>(folder / "", batches_from::device, {.resume = true}),
                       doctest::Contains("gpu_plans.txt: line 1 is no choice; delete the file"),
                       std::runtime_error);
  std::filesystem::remove(file);
  CHECK(run<on<emulated>>(folder / "", batches_from::device, {.resume = true}).steps == all_steps);
  CHECK(!std::filesystem::exists(file));
}

TEST_CASE("a run that began on the CPU continues on another device with uploaded images") {
  const temporary_folder folder;
  CHECK(run<on<cpu>>(folder / "", batches_from::host, {.stop_at = 7}).steps == 8);
  CHECK(loss_reads == 8);  // the CPU takes a step when it is enqueued
  CHECK(run<on<isolated_device>>(folder / "", batches_from::device, {.stop_at = 13, .resume = true})
            .interrupted);
  CHECK(run<on<cpu>>(folder / "", batches_from::host, {.resume = true}).steps == all_steps);
  CHECK(read_metrics(folder / "metrics.csv", "step", "loss").size() == 10);
}

TEST_CASE("a loss that is NaN or infinite ends a run with queued steps as if every loss had been read") {
  const auto compare = []<class Context>() {
    const temporary_folder all;
    for (const batches_from source : {batches_from::host, batches_from::device}) {
      if (source == batches_from::device && !has_separate_memory<typename Context::device>) continue;
      const auto whole = all / (source == batches_from::device ? "whole_uploaded" : "whole"),
                 broken = all / (source == batches_from::device ? "broken_uploaded" : "broken");
      std::filesystem::create_directories(whole);
      std::filesystem::create_directories(broken);
      // Both runs stop and save after about ten steps; then the weights of one of them diverge.
      const auto begun = run<Context>(broken, source, {.stop_at = 9});
      run<Context>(whole, source, {.stop_at = 9});
      CHECK_THROWS_WITH_AS(
          run<Context>(broken, source, {.break_at = 17, .resume = true}),
          doctest::Contains(source == batches_from::device || has_separate_memory<typename Context::device>
                                ? "steps 17 to 20: the loss became"
                                : "step 19: the loss became"),
          non_finite_loss);
      CHECK(checkpoint_of(broken) == checkpoint_of(whole));
      CHECK(begun.steps < 16);
      run<Context>(whole, source, {.resume = true});
      auto expected = rows_of(whole);
      expected.resize(8);  // the header and the rows after 4, 5, 8, 10, 12, 15 and 16 steps
      CHECK(rows_of(broken) == expected);
      run<Context>(broken, source, {.resume = true});
      same_runs(broken, whole);
    }
  };
  compare.operator()<on<emulated>>();
  compare.operator()<on<cpu, fp32>>();
}

namespace {

/// A run of `epochs` epochs of `steps` steps.
run_options short_run(const std::filesystem::path& folder, std::size_t steps, std::size_t epochs) {
  run_options options;
  options.steps = epochs * steps;
  options.steps_per_epoch = steps;
  options.schedule = [](std::size_t) { return step_values{0.01, 0.95}; };
  options.folder = folder;
  options.metric_names = {"steps_again"};
  return options;
}

/// Images of which one is not read until `open`.
struct stalled_source {
  memory_source images = picture_source(picture_count);
  std::shared_ptr<std::atomic<bool>> open = std::make_shared<std::atomic<bool>>(false);

  std::size_t size() const { return images.size(); }
  int label(std::size_t index) const { return images.label(index); }
  const std::vector<std::string>& class_names() const { return images.class_names(); }
  std::string name(std::size_t index) const { return images.name(index); }
  void read(std::size_t index, image& out) const {
    while (index == 7 && !*open) std::this_thread::sleep_for(std::chrono::milliseconds{1});
    images.read(index, out);
  }
};

}  // namespace

TEST_CASE("a run that waits for an image that does not come saves and stops soon after the request") {
  const temporary_folder folder;
  const stalled_source source;
  const auto trained = make_counting<on<cpu>>();
  loader batches{source, in_pairs};
  auto options = short_run(folder / "", 5, 5);
  options.stop_on_collapse = false;
  std::stop_source stop;
  options.stop = stop.get_token();
  std::thread other{[&] {
    while (!std::filesystem::exists(folder / "metrics.csv")) std::this_thread::yield();
    std::this_thread::sleep_for(std::chrono::milliseconds{500});
    stop.request_stop();
  }};
  const auto began = std::chrono::steady_clock::now();
  const auto result = run_training(options, *trained, batches);
  CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds{10});
  other.join();
  *source.open = true;
  CHECK(result.interrupted);
  CHECK(result.steps < 5);
  CHECK(checkpoint_of(folder / "").first.at("step") == std::to_string(result.steps));
}

TEST_CASE("a stop request during an evaluation ends the run after it, with a row of the epoch") {
  const temporary_folder folder;
  const auto trained = make_counting<on<cpu>>();
  loader batches{picture_source(picture_count), in_pairs};
  auto options = short_run(folder / "", 5, 5);
  options.stop_on_collapse = false;
  std::stop_source stop;
  options.stop = stop.get_token();
  options.after_epoch = [&](std::size_t) -> std::map<std::string, double> {
    stop.request_stop();
    throw interrupted{};
  };
  const auto result = run_training(options, *trained, batches);
  CHECK(result.interrupted);
  CHECK(result.steps == 5);
  CHECK(read_metrics(folder / "metrics.csv", "step", "loss").size() == 1);
  CHECK(read_metrics(folder / "metrics.csv", "step", "steps_again").empty());
}

TEST_CASE("a run leaves the handlers of the program's signals as they are while it goes on and afterwards") {
  static constexpr std::array signals{SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGXFSZ, SIGALRM, SIGUSR1, SIGCHLD};
  const auto handlers = [] {
    std::array<void (*)(int), signals.size()> found{};
    for (std::size_t i = 0; i < signals.size(); ++i) {
      struct sigaction current {};
      REQUIRE(sigaction(signals[i], nullptr, &current) == 0);
      found[i] = current.sa_handler;
    }
    return found;
  };
  const auto before = handlers();
  std::size_t compared = 0, calls = 0;
  const temporary_folder folder;
  const auto trained = make_counting<on<cpu>>();
  loader batches{picture_source(picture_count), in_pairs};
  auto options = short_run(folder / "", 5, 2);
  options.stop_on_collapse = false;
  options.schedule = [&](std::size_t) {
    ++calls;
    compared += handlers() == before;
    return step_values{0.01, 0.95};
  };
  run_training(options, *trained, batches);
  CHECK(calls >= 10);
  CHECK(compared == calls);
  CHECK(handlers() == before);
}

TEST_CASE("images that are all alike are named as the cause of a collapse") {
  const temporary_folder folder;
  const auto trained = make_counting<on<cpu>>();
  const memory_source copies{std::vector<std::uint8_t>(20 * 8 * 8 * 3), 8, 8};
  loader batches{copies, {.batch = 10}};
  CHECK_THROWS_WITH_AS(
      run_training(short_run(folder / "", 2, 3), *trained, batches),
      doctest::Contains("The pictures are the cause: the 10 of this batch are blank or nearly the same"),
      std::runtime_error);
}

TEST_CASE("a collapsed run stops with advice that fits its method") {
  const temporary_folder folder;
  const auto trained = make_counting<on<cpu>>();
  std::size_t count = 0;
  for (const parameter& p : trained->parameters()) count = std::max(count, p.offset + p.size());
  trained->change_values([&](float* values) { std::fill_n(values, count, 0.0f); });
  loader batches{picture_source(20), {.batch = 10}};
  const std::string advice{detail::advice_without_negatives};
  CHECK_THROWS_WITH_AS(run_training(short_run(folder / "", 2, 3), *trained, batches),
                       doctest::Contains(advice.c_str()), std::runtime_error);
}

namespace {

/// DINO whose outputs are uniform, so that its loss is that of chance.
std::unique_ptr<any_trainer> make_uniform() {
  using method = dino<tiny_images, thin_trunk<basic_block, 4>, dino_head<16, 64, 32>>;
  using learner = trainer<method, on<cpu>, chosen_optimizer>;
  auto made = std::make_unique<learner>(method{}, chosen_optimizer{sgd{}}, 3);
  made->method().loss.student_temperature = made->method().loss.teacher_temperature = 1e6;
  return make_any_trainer(std::move(made), two_views{one_view}, evaluation);
}

run_options uniform_run(const std::filesystem::path& folder) {
  auto options = short_run(folder, 2, 300);
  options.batch = 10;
  options.monitor_every = 50;
  options.schedule = [](std::size_t) { return step_values{0, 0.95}; };
  return options;
}

}  // namespace

TEST_CASE("a run whose loss stays at that of chance stops in its second half") {
  const auto trained = make_uniform();
  const temporary_folder folder;
  loader batches{picture_source(20), {.batch = 10}};
  CHECK_THROWS_WITH_AS(run_training(uniform_run(folder / ""), *trained, batches),
                       doctest::Contains("nothing is learned: the loss stays at 2.77, that of embeddings"),
                       std::runtime_error);
  // After its fourth row there: rows are due after epochs of two steps.
  CHECK(read_run_state(folder / "checkpoint.safetensors").step == 306);
}

TEST_CASE("a run that was resumed stops for its loss after as many rows as if it had never stopped") {
  const temporary_folder folder;
  loader batches{picture_source(20), {.batch = 10}};
  auto options = uniform_run(folder / "");
  std::stop_source stop;
  options.stop = stop.get_token();
  options.schedule = [&](std::size_t step) {
    if (step == 302) stop.request_stop();
    return step_values{0, 0.95};
  };
  CHECK(run_training(options, *make_uniform(), batches).steps == 303);
  loader again{picture_source(20), {.batch = 10}};
  const auto resumed = make_uniform();
  CHECK_THROWS_WITH_AS(run_training(uniform_run(folder / ""), *resumed, again, true),
                       doctest::Contains("nothing is learned"), std::runtime_error);
  CHECK(read_run_state(folder / "checkpoint.safetensors").step == 306);
}

TEST_CASE("metrics.csv has the weight decay of each step where it is scheduled, and no column elsewhere") {
  for (const bool scheduled : {true, false}) {
    const temporary_folder folder;
    loader batches{picture_source(20), {.batch = 10}};
    auto options = short_run(folder / "", 2, 2);
    options.stop_on_collapse = false;
    options.schedule = [=](std::size_t step) {
      step_values values{0.01, 0.95};
      if (scheduled) values.weight_decay = 0.1 * double(step + 1);
      return values;
    };
    run_training(options, *make_counting<on<cpu>>(), batches);
    const auto file = folder / "metrics.csv";
    CHECK(has_metric(file, "weight_decay") == scheduled);
    if (scheduled)
      CHECK(read_metrics(file, "step", "weight_decay") ==
            std::vector<std::pair<double, double>>{{2, 0.2}, {4, 0.4}});
  }
}

TEST_CASE("resuming a finished run changes neither its result nor its files") {
  const temporary_folder folder;
  const auto checkpoint = folder / "checkpoint.safetensors";
  const auto first = run<on<cpu, fp32>>(folder.path(), batches_from::host);
  const auto written = std::filesystem::last_write_time(checkpoint);
  const auto again = run<on<cpu, fp32>>(folder.path(), batches_from::host, {.resume = true});
  CHECK(again.loss == first.loss);
  CHECK(again.seconds == first.seconds);
  CHECK(again.peak_memory == first.peak_memory);
  CHECK(again.peak_memory > 0);
  CHECK(std::filesystem::last_write_time(checkpoint) == written);
  CHECK(read_run_state(checkpoint).loss == first.loss);
}

TEST_CASE("a run is resumed on its images and settings only, and up to its last step") {
  const temporary_folder folder;
  run<on<cpu, fp32>>(folder.path(), batches_from::host, {.stop_at = 9});
  const auto trained = make_counting<on<cpu, fp32>>();
  loader batches{picture_source(picture_count), in_pairs};
  const auto resume = [&](run_options options) {
    options.steps_per_epoch = 5;
    options.schedule = [](std::size_t) { return step_values{0.01, 0.95}; };
    options.folder = folder.path();
    options.stop_on_collapse = false;
    return run_training(options, *trained, batches, true).steps;
  };
  const auto before = learned_bytes(*trained);
  check_throws<std::runtime_error>([&] { resume({.steps = 25, .config_fingerprint = "others"}); },
                                   "checkpoint.safetensors", "other settings");
  check_throws<std::runtime_error>([&] { resume({.steps = 5, .config_fingerprint = "a test"}); },
                                   "checkpoint.safetensors: is at step 10, and this run ends at step 5");
  CHECK(learned_bytes(*trained) == before);
  // The checkpoint has no data fingerprint: it gets one. From then on it is compared.
  CHECK(resume({.steps = 12, .config_fingerprint = "a test", .data_fingerprint = "these"}) == 12);
  check_throws<std::runtime_error>(
      [&] { resume({.steps = 14, .config_fingerprint = "a test", .data_fingerprint = "those"}); },
      "other images", "these", "those");
  CHECK(resume({.steps = 13, .config_fingerprint = "a test"}) == 13);
  CHECK(read_run_state(folder / "checkpoint.safetensors").data_fingerprint == "these");
  CHECK(resume({.steps = 14,
                .config_fingerprint = "others",
                .data_fingerprint = "those",
                .compare_fingerprints = false}) == 14);
  CHECK(read_run_state(folder / "checkpoint.safetensors").data_fingerprint == "those");
}

TEST_CASE(
    "a second run in a folder is refused while the first lives, and what a killed run left is deleted") {
  const temporary_folder folder;
  {
    const folder_lock first{folder.path()};
    check_throws<std::runtime_error>([&] { run<on<cpu, fp32>>(folder.path(), batches_from::host); },
                                     "a run is under way");
    CHECK_FALSE(std::filesystem::exists(folder / "metrics.csv"));
  }
  for (const char* name :
       {"checkpoint.safetensors.12.0.partial", "metrics.csv.12.3.partial", "notes.partial"})
    std::ofstream{folder / name} << "x";
  run<on<cpu, fp32>>(folder.path(), batches_from::host);
  std::set<std::string> left;
  for (const auto& entry : std::filesystem::directory_iterator{folder.path()})
    left.insert(entry.path().filename().string());
  CHECK(left == std::set<std::string>{"checkpoint.safetensors", "metrics.csv", "notes.partial"});
}

TEST_CASE("an evaluation that fails after the last step leaves the last step's checkpoint") {
  const temporary_folder folder;
  const auto trained = make_counting<on<cpu, fp32>>();
  loader batches{picture_source(picture_count), in_pairs};
  run_options options{.steps = 10,
                      .steps_per_epoch = 5,
                      .schedule =
                          [](std::size_t) {
                            return step_values{0.01, 0.95};
                          },
                      .folder = folder.path(),
                      .checkpoint_seconds = 1e9,
                      .stop_on_collapse = false,
                      .after_epoch = [](std::size_t epoch) -> std::map<std::string, double> {
                        if (epoch == 2) throw std::runtime_error{"the test images are gone"};
                        return {};
                      }};
  CHECK_THROWS_WITH(run_training(options, *trained, batches), "the test images are gone");
  CHECK(read_run_state(folder / "checkpoint.safetensors").step == 10);
  CHECK(run_training(options, *trained, batches, true).steps == 10);
}
