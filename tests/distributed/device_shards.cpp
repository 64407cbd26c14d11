// Tests of device_shards.hpp, and of training with a communicator on an accelerator: the emulated device,
// whose ranks are threads.
#include "support/shard_steps.hpp"

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <pretext/distributed/device_shards.hpp>
#include <pretext/kernels/gpu/operations.hpp>

#include "cuda/compare_with_cpu.hpp"
#include "support/for_each_shard.hpp"

using namespace pretext;
using namespace pretext::tests;
using distributed::communicator;

namespace {

/// A DeviceEngine over threads.
class emulated_engine {
 public:
  explicit emulated_engine(distributed::threads::rank_type& rank) : rank_{&rank} {}

  std::size_t rank() const { return rank_->rank(); }
  std::size_t ranks() const { return rank_->ranks(); }
  void all_gather(const emulated::stream& on, const void* own, void* all, std::size_t bytes) {
    emulated::perform(on, [=, rank = rank_] { rank->all_gather(own, all, bytes); });
  }
  void all_to_all(const emulated::stream& on, const void* parts, void* received, std::size_t bytes) {
    emulated::perform(on, [=, rank = rank_] { rank->all_to_all(parts, received, bytes); });
  }
  void wait(const emulated::stream&) {}

  void all_gather(const void* own, void* all, std::size_t bytes) { rank_->all_gather(own, all, bytes); }

 private:
  distributed::threads::rank_type* rank_;
};

template <class Work>
void for_each_shard_on_device(std::size_t ranks, std::size_t shards, const Work& work) {
  distributed::threads engine{ranks};
  engine.run([&](distributed::threads::rank_type& rank) {
    emulated_engine moves{rank};
    distributed::device_shards<emulated, emulated_engine>{moves, shards}.run(work);
  });
}

template <class Device, class Work>
void for_each_shard_of(std::size_t ranks, std::size_t shards, const Work& work) {
  if constexpr (std::same_as<Device, cpu>)
    for_each_shard(ranks, shards, work);
  else
    for_each_shard_on_device(ranks, shards, work);
}

/// The sums over shards that hold different numbers, of each shard.
template <class Device, class T>
std::vector<std::vector<T>> sums_of(std::size_t ranks, std::size_t shards, std::size_t count) {
  std::vector<std::vector<T>> all(shards);
  for_each_shard_of<Device>(ranks, shards, [&](communicator<Device>& own) {
    std::vector<T> values(count);
    for (std::size_t i = 0; i < count; ++i)
      values[i] = static_cast<T>(std::sin(double(i * (own.shard() + 1))) / (1. + double(i % 7)));
    buffer<T, Device> on_device{count};
    const typename Device::stream stream;
    Device::write(stream, on_device.data(), values.data(), count);
    own.all_reduce(stream, on_device.data(), count);
    own.wait(stream);
    Device::read(stream, values.data(), on_device.data(), count);
    all[own.shard()] = values;
  });
  return all;
}

}  // namespace

TEST_CASE("shards on a device gather in their order, whichever rank holds them") {
  for (const auto& cut : {std::pair{1u, 1u}, {2u, 2u}, {1u, 4u}, {2u, 6u}, {3u, 3u}})
    for (const std::size_t count : {1u, 5u, 64u}) {
      const std::size_t ranks = cut.first, shards = cut.second;
      CAPTURE(ranks);
      CAPTURE(shards);
      CAPTURE(count);
      std::vector<std::vector<std::uint8_t>> found(shards);
      std::vector<std::uint8_t> expected;
      for (std::size_t i = 0; i < shards * count; ++i) expected.push_back(static_cast<std::uint8_t>(i));
      for_each_shard_on_device(ranks, shards, [&](communicator<emulated>& own) {
        CHECK(own.shards() == shards);
        const emulated::stream stream;
        buffer<std::uint8_t, emulated> part{count}, all{count * shards};
        emulated::write(stream, part.data(), expected.data() + own.shard() * count, count);
        own.all_gather(stream, part.data(), all.data(), count);
        found[own.shard()].resize(count * shards);
        emulated::read(stream, found[own.shard()].data(), all.data(), count * shards);
      });
      for (const auto& each : found) CHECK(each == expected);
    }
}

TEST_CASE("shards on a device gather and add what is on the host") {
  for (const auto& cut : {std::pair{1u, 1u}, {3u, 3u}, {1u, 4u}, {2u, 6u}}) {
    const std::size_t ranks = cut.first, shards = cut.second;
    CAPTURE(ranks);
    CAPTURE(shards);
    std::vector<std::vector<int>> found(shards);
    std::vector<std::vector<float>> sums(shards);
    for_each_shard_on_device(ranks, shards, [&](communicator<emulated>& own, communicator<cpu>& host) {
      CHECK(host.shard() == own.shard());
      const int part[2]{static_cast<int>(own.shard()), 7};
      found[own.shard()].resize(2 * shards);
      host.all_gather({}, part, found[own.shard()].data(), sizeof part);
      std::vector<float> values(30);
      for (std::size_t i = 0; i < values.size(); ++i)
        values[i] = static_cast<float>(std::sin(double(i * (own.shard() + 1))) / (1. + double(i % 7)));
      host.all_reduce({}, values.data(), values.size());
      sums[own.shard()] = values;
    });
    std::vector<int> expected;
    for (std::size_t i = 0; i < shards; ++i) expected.insert(expected.end(), {static_cast<int>(i), 7});
    for (const auto& each : found) CHECK(each == expected);
    CHECK(sums == sums_of<cpu, float>(1, shards, 30));
  }
}

TEST_CASE("sums on a device have the bits of sums on CPUs, whichever rank holds a shard") {
  for (const std::size_t shards : {1u, 2u, 3u, 4u, 6u, 12u})
    for (const std::size_t count : {1u, 3u, 1000u}) {
      CAPTURE(shards);
      CAPTURE(count);
      const auto expected = sums_of<cpu, float>(1, shards, count);
      const auto in_double = sums_of<cpu, double>(1, shards, count);
      for (const std::size_t ranks : {1u, 2u, 3u, 4u, 6u, 12u}) {
        if (shards % ranks != 0) continue;
        CAPTURE(ranks);
        CHECK(sums_of<emulated, float>(ranks, shards, count) == expected);
        CHECK(sums_of<emulated, double>(ranks, shards, count) == in_double);
      }
    }
}

TEST_CASE("shards on a device whose calls differ end with a sentence that names them") {
  const auto differ = [](communicator<emulated>& own) {
    buffer<float, emulated> values{8};
    own.all_reduce({}, values.data(), 4 + own.shard());
  };
  CHECK_THROWS_WITH_AS(for_each_shard_on_device(1, 2, differ),
                       "shard 0 calls all_reduce<float> of 16 bytes, shard 1 all_reduce<float> of 20 bytes; "
                       "every shard must make the same calls in the same order",
                       distributed::lost_rank);
  const auto stops = [](communicator<emulated>& own) {
    if (own.shard() == 1) throw std::runtime_error{"the disk is full"};
    buffer<float, emulated> values{8};
    own.all_reduce({}, values.data(), 8);
  };
  CHECK_THROWS_WITH_AS(for_each_shard_on_device(1, 3, stops), "the disk is full", std::runtime_error);
  const auto ends = [](communicator<emulated>& own) {
    buffer<float, emulated> values{8};
    for (std::size_t i = 0; i < 3 - own.shard(); ++i) own.all_reduce({}, values.data(), 8);
  };
  CHECK_THROWS_WITH_AS(
      for_each_shard_on_device(1, 2, ends),
      "shard 0 cannot go on: shard 1 has ended; every shard must make the same number of steps",
      distributed::lost_rank);
}

namespace {

/// The same of all shards, whose bits must be equal.
template <class Context, class Method, class Optimizer>
results train_shards(std::size_t ranks, std::size_t shards, const Optimizer& optimizer, std::size_t steps,
                     std::size_t at_a_time) {
  std::vector<results> all(shards);
  for_each_shard_of<typename Context::device>(
      ranks, shards, [&](communicator<typename Context::device>& own) {
        all[own.shard()] = train_shard<Context, Method>(&own, optimizer, steps, at_a_time);
      });
  for (const results& each : all) CHECK(each == all[0]);
  return all[0];
}

/// Calls compare(method, optimizer) for methods of each kind.
template <class Compare>
void for_each_method(const Compare& compare) {
  compare(std::type_identity<small_simclr>{}, lars{.weight_decay = 1e-4});
  compare(std::type_identity<small_byol>{}, sgd{.nesterov = true, .weight_decay = 1e-4});
  compare(std::type_identity<small_mae>{}, adamw{});
  compare(std::type_identity<small_classifier>{}, layer_decay<adamw>{{}, .7});
}

}  // namespace

TEST_CASE("shards on a device learn what shards on CPUs learn, and what one batch does") {
  for_each_method([]<class Method>(std::type_identity<Method>, const auto& optimizer) {
    const results whole = train_shard<on<emulated, fp64>, Method>(nullptr, optimizer, 3, 0);
    for (const std::size_t shards : {2u, 4u}) {
      CAPTURE(shards);
      const results found = train_shards<on<emulated, fp64>, Method>(shards, shards, optimizer, 3, 0);
      all_near(found, train_shards<on<cpu, fp64>, Method>(shards, shards, optimizer, 3, 0), 1e-9);
      all_near(found, whole, 1e-9);
    }
  });
}

TEST_CASE("steps of shards have the same bits on one and two ranks, launched and replayed") {
  for_each_method([]<class Method>(std::type_identity<Method>, const auto& optimizer) {
    const results two = train_shards<on<emulated>, Method>(2, 2, optimizer, 6, 0);
    CHECK(train_shards<on<emulated>, Method>(2, 2, optimizer, 6, 6) == two);
    CHECK(train_shards<on<emulated>, Method>(1, 2, optimizer, 6, 4) == two);
    const results four = train_shards<on<emulated>, Method>(2, 4, optimizer, 6, 6);
    CHECK(train_shards<on<emulated>, Method>(1, 4, optimizer, 6, 0) == four);
    CHECK(train_shards<on<emulated>, Method>(1, 4, optimizer, 6, 4) == four);
    CHECK(train_shards<on<emulated>, Method>(4, 4, optimizer, 6, 6) == four);
  });
}

TEST_CASE("one shard on a device has the bits of a trainer without a communicator") {
  for_each_method([]<class Method>(std::type_identity<Method>, const auto& optimizer) {
    CHECK(train_shards<on<emulated>, Method>(1, 1, optimizer, 6, 6) ==
          train_shard<on<emulated>, Method>(nullptr, optimizer, 6, 6));
  });
}

TEST_CASE("a loss that is NaN on one shard holds back the updates of all") {
  for (const std::size_t ranks : {1u, 2u, 4u}) {
    CAPTURE(ranks);
    std::vector<results> clean(4), found(4);
    std::vector<std::string> told(4);
    std::vector<std::uint64_t> steps(4);
    for_each_shard_on_device(ranks, 4, [&](communicator<emulated>& own) {
      const auto rates = step_schedule(10);
      const auto train = [&](std::uint64_t nan_at, std::size_t count) {
        trainer<small_mae, on<emulated>, adamw> learner{{}, {}, 3};
        learner.context().communicator = &own;
        step_queue queue{learner, rows_of_shard<on<emulated>, 1>{learner.context(), own.shard(), 4, nan_at}};
        try {
          queue.run(std::span{rates}.first(count));
        } catch (const non_finite_loss& error) { told[own.shard()] = error.what(); }
        steps[own.shard()] = queue.steps();
        return buffers_of(learner);
      };
      clean[own.shard()] = train(never, 6);
      found[own.shard()] = train(6, 10);
    });
    for (std::size_t shard = 0; shard < 4; ++shard) {
      CHECK(told[shard].starts_with("the loss became nan"));
      CHECK(steps[shard] == 6);
      CHECK(found[shard] == clean[shard]);
    }
  }
}

TEST_CASE("recorded steps of shards allocate nothing") {
  for (const std::size_t ranks : {1u, 2u})
    for_each_shard_on_device(ranks, 4, [&](communicator<emulated>& own) {
      trainer<small_byol, on<emulated>, lars> learner{{}, {}, 3};
      learner.context().communicator = &own;
      step_queue queue{learner, rows_of_shard<on<emulated>, 2>{learner.context(), own.shard(), 4, never}};
      const auto rates = step_schedule(20);
      queue.run(std::span{rates}.first(6));
      const std::size_t before = emulated::allocations();
      queue.run(std::span{rates}.subspan(6));
      CHECK(queue.recordings() == 1);
      CHECK(emulated::allocations() == before);
    });
}

TEST_CASE("a step is recorded again on all shards of a rank when a value of one has changed") {
  const auto train = [](bool changes) {
    std::vector<results> all(2);
    for_each_shard_on_device(1, 2, [&](communicator<emulated>& own) {
      trainer<small_simclr, on<emulated>, sgd> learner{{}, {}, 3};
      learner.context().communicator = &own;
      step_queue queue{learner, rows_of_shard<on<emulated>, 2>{learner.context(), own.shard(), 2, never}};
      const auto rates = step_schedule(9);
      queue.run(std::span{rates}.first(4));
      if (changes && own.shard() == 1) {  // such as an evaluation that needs more workspace
        const arena_scope guard{learner.context().workspace};
        learner.context().workspace.allocate<float>(1 << 22);
      }
      queue.run(std::span{rates}.subspan(4));
      CHECK(queue.recordings() == (changes ? 2 : 1));
      all[own.shard()] = buffers_of(learner);
    });
    CHECK(all[1] == all[0]);
    return all[0];
  };
  CHECK(train(true) == train(false));
}
