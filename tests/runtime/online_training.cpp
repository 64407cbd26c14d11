// Learning from frames in memory. Tests inference/model_slot.hpp, too.
#include <pretext/runtime/online_training.hpp>

#include <array>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <functional>
#include <memory>
#include <stop_token>
#include <thread>
#include <vector>

#include <pretext/cpu.hpp>
#include <pretext/inference/inference_context.hpp>
#include <pretext/inference/model_slot.hpp>

#include "support/allocations.hpp"
#include "support/some_trainings.hpp"
#include "support/temporary_folder.hpp"

#include <doctest/doctest.h>

using namespace pretext;
using namespace pretext::tests;
using namespace std::chrono_literals;

namespace {

using network = sequential<global_average_pool, named<"fc", linear<6>>>;
using learner = trainer<byol<tiny_images, network, byol_head<9, 6>>, on<cpu>, sgd>;

std::unique_ptr<any_trainer> make_learner() {
  return make_any_trainer(std::make_unique<learner>(learner::method_type{}, sgd{.momentum = .9}, 3),
                          two_views{one_view}, evaluation);
}

void push_pictures(image_reservoir& frames, std::size_t count) {
  const pictures all(count);
  for (const image_view& view : all.views) frames.push(view);
}

/// An any_trainer whose steps take this long.
struct slow_trainer
    : trainer_adapter<learner, decltype(two_views{one_view}), std::decay_t<decltype(evaluation)>> {
  using adapter = trainer_adapter<learner, decltype(two_views{one_view}), std::decay_t<decltype(evaluation)>>;
  std::function<std::chrono::milliseconds(std::size_t batch)> time;
  std::function<void()> before = [] {};
  std::size_t steps = 0;

  explicit slow_trainer(std::function<std::chrono::milliseconds(std::size_t)> its_time)
      : adapter{std::make_unique<learner>(learner::method_type{}, sgd{}, 3), two_views{one_view}, evaluation},
        time{std::move(its_time)} {}
  void enqueue(const image_batch& batch, const step_values& values) override {
    before();
    ++steps;
    std::this_thread::sleep_for(time(batch.images.size()));
    adapter::enqueue(batch, values);
  }
};

}  // namespace

TEST_CASE("a call starts no step that would not end within its budget, and none of less than a batch") {
  image_reservoir frames{{.capacity = 8}};
  slow_trainer slow{[](std::size_t) { return 40ms; }};
  online_training training{slow, frames, {.batch = 4}};
  push_pictures(frames, 3);
  CHECK(training.work_for(10s) == 0);
  push_pictures(frames, 5);
  CHECK(training.work_for(1ms) == 1);  // the first one, whose time is unknown
  CHECK(training.expected() >= 40ms);
  for (int i = 0; i < 3; ++i) CHECK(training.work_for(30ms) == 0);  // shorter than a step
  CHECK(slow.steps == 1);
  CHECK(training.work_for(100ms) <= 2);  // each takes at least 40 ms
  std::stop_source stop;
  slow.before = [&, last = slow.steps + 2] {
    if (slow.steps == last) stop.request_stop();
  };
  CHECK(training.work_for(1h, stop.get_token()) == 3);
  CHECK(training.steps() == slow.steps);
}

TEST_CASE("a step that was slow once does not end the training for ever") {
  image_reservoir frames{{.capacity = 8}};
  push_pictures(frames, 8);
  bool slow_once = false;
  slow_trainer slow{[&](std::size_t) { return slow_once ? 300ms : 1ms; }};
  online_training training{slow, frames, {.batch = 4}};
  for (int i = 0; i < 9; ++i) training.step();
  slow_once = true;
  training.step();
  slow_once = false;
  CHECK(training.work_for(250ms) == 0);
  CHECK(training.work_for(250ms) > 0);
}

TEST_CASE("a requested stop ends a call within the step that is being computed") {
  image_reservoir frames{{.capacity = 8}};
  push_pictures(frames, 8);
  slow_trainer slow{[](std::size_t) { return 1ms; }};
  online_training training{slow, frames, {.batch = 4}};
  std::stop_source stop;
  slow.before = [&] {
    if (slow.steps == 5) stop.request_stop();
  };
  CHECK(training.work_for(1h, stop.get_token()) == 6);
  CHECK(training.work_for(1h, stop.get_token()) == 0);
}

TEST_CASE("measuring and choosing a batch leave weights, optimizer and number of steps as they were") {
  image_reservoir frames{{.capacity = 32}};
  push_pictures(frames, 32);
  slow_trainer slow{[](std::size_t batch) { return batch > 8 ? 400ms : 1ms; }};
  online_training training{slow, frames, {.batch = 32}};
  const auto before = learned_bytes(slow);
  CHECK(training.choose_batch(350ms) == 8);
  CHECK(training.batch() == 8);
  CHECK(training.expected() < 350ms);
  CHECK(learned_bytes(slow) == before);
  CHECK(training.steps() == 0);
  check_throws<std::runtime_error>([&] { training.choose_batch(1us); }, "a step of 2 images takes",
                                   "longer than 0.001 ms");
  CHECK(learned_bytes(slow) == before);
}

TEST_CASE("learning takes bounded memory: after the first step neither frames nor steps allocate") {
  image_reservoir frames{{.capacity = 8}};
  push_pictures(frames, 8);
  const auto trained = make_learner();
  online_training training{*trained, frames, {.batch = 4}};
  const pictures more(8);
  const auto learn = [&] {
    for (const image_view& view : more.views) frames.push(view);
    training.step();
  };
  learn();
  learn();
  const std::size_t before = allocations, memory = trained->peak_memory();
  for (int i = 0; i < 20; ++i) learn();
  CHECK(allocations == before);
  CHECK(trained->peak_memory() == memory);
}

TEST_CASE("a copy of the encoder in memory has the features of the saved file while the training goes on") {
  image_reservoir frames{{.capacity = 8}};
  push_pictures(frames, 8);
  const auto trained = make_learner();
  online_training training{*trained, frames, {.batch = 4}};
  using model_type = encoder_model<network, tiny_images>;
  const temporary_folder folder;
  model_slot<model_type> newest;
  CHECK(newest.get() == nullptr);
  const pictures some(3);
  const auto features = [&](const model_type& model) {
    inference_context context{model};
    const auto found = context.encode(some.views);
    return std::vector<float>(found.begin(), found.end());
  };
  std::vector<std::vector<float>> seen;
  for (int i = 0; i < 2; ++i) {
    training.step();
    newest.publish(std::make_shared<const model_type>(encoder_file(*trained)));
    save_encoder(folder / "encoder.safetensors", *trained);
    const auto held = newest.get();
    std::vector<float> from_other_thread;
    {
      std::jthread other{[&] { from_other_thread = features(*held); }};
      training.step();
    }
    CHECK(from_other_thread == features(model_type{folder / "encoder.safetensors"}));
    seen.push_back(from_other_thread);
  }
  CHECK(seen[0] != seen[1]);
}

TEST_CASE("a training that is saved and loaded goes on bit for bit, on the same frames") {
  const temporary_folder folder;
  image_reservoir frames{{.capacity = 8}};
  push_pictures(frames, 8);
  const auto whole = make_learner(), resumed = make_learner();
  online_training first{*whole, frames, {.batch = 4}};
  for (int i = 0; i < 3; ++i) first.step();
  first.save(folder / "online.safetensors");
  online_training second{*resumed, frames, {.batch = 4}};
  second.load(folder / "online.safetensors");
  CHECK(second.steps() == 3);
  CHECK(second.loss() == first.loss());
  for (int i = 0; i < 2; ++i) CHECK(first.step() == second.step());
  CHECK(learned_bytes(*whole) == learned_bytes(*resumed));
  const auto before = learned_bytes(*resumed);
  save_checkpoint(folder / "other.safetensors", *resumed, {});
  check_throws<std::runtime_error>([&] { second.load(folder / "other.safetensors"); }, "other.safetensors",
                                   "step");
  CHECK(learned_bytes(*resumed) == before);
}

TEST_CASE("a training leaves the handlers of the program's signals as they are") {
  static constexpr std::array signals{SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGXFSZ, SIGALRM};
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
  image_reservoir frames{{.capacity = 4}};
  push_pictures(frames, 4);
  slow_trainer trained{[](std::size_t) { return 0ms; }};
  bool same = true;
  trained.before = [&] { same = same && handlers() == before; };
  online_training training{trained, frames, {.batch = 4}};
  training.choose_batch(1h);
  training.step();
  CHECK(trained.steps > 3);
  CHECK(same);
  CHECK(handlers() == before);
}
