#include <doctest/doctest.h>

#include <signal.h>
#include <time.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <vector>

#include <pretext/devices/cpu.hpp>

using namespace pretext;

namespace {

/// Ends the process where `work` has not returned after a minute: threads that wait for ever cannot be
/// joined.
template <class Work>
void within_a_minute(const Work& work) {
  std::promise<void> done;
  std::thread watchdog{[finished = done.get_future()] {
    if (finished.wait_for(std::chrono::minutes{1}) == std::future_status::ready) return;
    std::fputs("a call of thread_pool::run has not returned after a minute\n", stderr);
    std::_Exit(1);
  }};
  work();
  done.set_value();
  watchdog.join();
}

/// The body of threads that run until they are told to stop. Its tenth copy, and with it the thread that
/// would get it, fails as std::thread does under a limit of processes.
struct refused_body {
  static inline std::atomic<int> copies = 0, running = 0;
  static inline std::atomic<bool> stopping = false;

  refused_body() = default;
  refused_body(const refused_body&) {
    if (++copies == 10)
      throw std::system_error{std::make_error_code(std::errc::resource_unavailable_try_again)};
  }
  void operator()(std::size_t) const {
    ++running;
    while (!stopping) std::this_thread::yield();
    --running;
  }
};

std::atomic<bool> halt_began = false, halt_may_end = false, halted_too_long = false;

/// Halts the thread that receives the signal until it may go on, or for ten seconds.
void halt(int) {
  halt_began = true;
  for (int i = 0; i < 10000 && !halt_may_end; ++i) {
    const timespec millisecond{0, 1000000};
    nanosleep(&millisecond, nullptr);
  }
  halted_too_long = !halt_may_end;
}

}  // namespace

TEST_CASE("every block is computed exactly once, call after call") {
  for (std::size_t threads : {1, 2, 3, 5}) {
    const cpu::stream stream{threads};
    CHECK(stream.threads() == threads);
    std::vector<int> done(257);
    for (int call = 0; call < 300; ++call)
      stream.for_each_block(done.size(), [&](std::size_t block) { ++done[block]; });
    for (int times : done) REQUIRE(times == 300);
  }
}

TEST_CASE("runs cover a range without gaps, whatever its length") {
  const cpu::stream stream{3};
  for (std::size_t count : {0, 1, 7, 64, 65}) {
    std::vector<int> seen(count);
    stream.for_each_run(count, 8, [&](std::size_t first, std::size_t last) {
      for (std::size_t i = first; i < last; ++i) ++seen[i];
    });
    for (int times : seen) CHECK(times == 1);
  }
}

TEST_CASE("a call does not wait for a worker that the system does not run") {
  const cpu::stream stream{2};
  std::atomic<bool> both = false;
  pthread_t worker{};
  while (!both)  // until the worker has had a block and its identity is known
    stream.for_each_block(2, [&](std::size_t, std::size_t thread) {
      if (thread == 1) worker = pthread_self(), both = true;
      for (int i = 0; i < 1000 && !both; ++i) std::this_thread::yield();
    });
  struct sigaction action = {}, before = {};
  action.sa_handler = halt;
  sigaction(SIGUSR1, &action, &before);
  pthread_kill(worker, SIGUSR1);
  while (!halt_began) std::this_thread::yield();

  std::vector<int> done(64);
  for (int call = 0; call < 100; ++call)
    stream.for_each_block(done.size(), [&](std::size_t block) { ++done[block]; });
  halt_may_end = true;
  for (int times : done) CHECK(times == 100);

  both = false;
  while (!both)  // the worker takes part again
    stream.for_each_block(2, [&](std::size_t, std::size_t thread) {
      if (thread == 1) both = true;
      for (int i = 0; i < 1000 && !both; ++i) std::this_thread::yield();
    });
  CHECK_FALSE(halted_too_long);
  sigaction(SIGUSR1, &before, nullptr);
}

TEST_CASE("an exception in a block reaches the caller, and the pool works on") {
  const cpu::stream stream{3};
  CHECK_THROWS_AS(stream.for_each_block(50,
                                        [](std::size_t block) {
                                          if (block == 20) throw std::runtime_error{"no"};
                                        }),
                  std::runtime_error);
  std::atomic<int> done = 0;
  stream.for_each_block(50, [&](std::size_t) { ++done; });
  CHECK(done == 50);
}

TEST_CASE("several threads may use copies of one stream at once, and every block is computed exactly once") {
  constexpr int users = 4, calls = 1000, blocks = 80;
  std::vector<std::vector<int>> done(users, std::vector<int>(blocks));
  within_a_minute([&] {
    const cpu::stream stream{3};
    std::vector<std::thread> threads;
    for (auto& times : done)
      threads.emplace_back([copy = stream, &times] {
        for (int call = 0; call < calls; ++call)
          copy.for_each_block(times.size(), [&](std::size_t block) { ++times[block]; });
      });
    for (auto& thread : threads) thread.join();
  });
  for (const auto& times : done)
    for (int count : times) REQUIRE(count == calls);
}

TEST_CASE("an exception reaches the caller whose block threw it, and no other user of the stream") {
  std::atomic<int> caught = 0, completed = 0;
  within_a_minute([&] {
    const cpu::stream stream{3};
    const auto use = [copy = stream, &caught, &completed](bool throws) {
      for (int call = 0; call < 300; ++call) {
        try {
          copy.for_each_block(20, [&](std::size_t block) {
            if (throws && block == 11) throw std::runtime_error{"no"};
          });
          completed += throws ? 1000 : 1;
        } catch (const std::runtime_error&) { caught += throws ? 1 : 1000; }
      }
    };
    std::thread other{use, true};
    use(false);
    other.join();
  });
  CHECK(caught == 300);
  CHECK(completed == 300);
}

TEST_CASE(
    "threads that the system does not start are an error with both numbers, and those that ran have ended") {
  std::vector<std::thread> threads;
  within_a_minute([&] {
    CHECK_THROWS_WITH_AS(
        pretext::detail::start_threads(threads, 20, refused_body{}, [] { refused_body::stopping = true; }),
        doctest::Contains("threads (Resource temporarily unavailable); ask for fewer threads"),
        std::runtime_error);
  });
  CHECK(refused_body::running == 0);
  CHECK(threads.empty());
}

TEST_CASE("a call from inside a block executes its blocks in order on the calling thread") {
  std::atomic<int> unordered = 0, done = 0;
  within_a_minute([&] {
    const cpu::stream stream{3};
    stream.for_each_block(50, [&](std::size_t) {
      const auto caller = std::this_thread::get_id();
      std::size_t expected = 0;
      stream.for_each_block(7, [&](std::size_t block) {
        if (block != expected++ || std::this_thread::get_id() != caller) ++unordered;
        ++done;
      });
    });
  });
  CHECK(unordered == 0);
  CHECK(done == 50 * 7);
}
