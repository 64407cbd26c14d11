#include <pretext/runtime/interrupt.hpp>

#include <array>
#include <chrono>
#include <csignal>
#include <stop_token>
#include <thread>

#include <doctest/doctest.h>

using namespace pretext;

namespace {
void handler_of_the_program(int) {}

#if defined(_WIN32)
constexpr std::array stopping{SIGINT, SIGTERM, SIGBREAK};
#else
constexpr std::array stopping{SIGINT, SIGTERM, SIGHUP, SIGUSR1};
#endif
}  // namespace

TEST_CASE("a signal sets a flag while a guard exists, and the program's handlers return with its end") {
  for (const int signal : stopping) {
    std::signal(signal, handler_of_the_program);
    {
      const interrupt_guard guard;
      CHECK_FALSE(guard.stop_requested());
      std::raise(signal);
      CHECK(guard.stop_requested());
    }
    CHECK((std::signal(signal, SIG_DFL) == handler_of_the_program));
    const interrupt_guard next;
    CHECK_FALSE_MESSAGE(next.stop_requested(), "a new guard starts without a request");
  }
}

TEST_CASE("a signal requests the stop of the guard's token, and nothing does without one") {
  std::stop_token token;
  {
    const interrupt_guard guard;
    token = guard.token();
    CHECK_FALSE(token.stop_requested());
    std::raise(SIGTERM);
    for (int waited = 0; waited < 1000 && !token.stop_requested(); ++waited)
      std::this_thread::sleep_for(std::chrono::milliseconds{10});
    CHECK(token.stop_requested());
  }
  const interrupt_guard next;
  CHECK_FALSE(next.token().stop_requested());
  {
    const interrupt_guard ended;
    token = ended.token();
  }
  CHECK_FALSE(token.stop_requested());
}

TEST_CASE("after the first Ctrl-C the second one ends the program") {
  const interrupt_guard guard;
  std::raise(SIGINT);
  CHECK(guard.stop_requested());
  CHECK((std::signal(SIGINT, SIG_DFL) == SIG_DFL));
}

TEST_CASE(
    "under nohup a hangup stays ignored; SIGINT, which a shell ignores in the background, asks for a stop") {
  std::signal(stopping[2], SIG_IGN);
  std::signal(SIGINT, SIG_IGN);
  {
    const interrupt_guard guard;
    std::raise(stopping[2]);
    CHECK_FALSE(guard.stop_requested());
    std::raise(SIGINT);
    CHECK(guard.stop_requested());
  }
  CHECK_FALSE_MESSAGE(interrupt_guard::stop_requested(), "the request ends with its guard");
  CHECK((std::signal(stopping[2], SIG_DFL) == SIG_IGN));
  CHECK((std::signal(SIGINT, SIG_DFL) == SIG_IGN));
}

#if !defined(_WIN32)  // resets a handler that it calls

TEST_CASE("a second SIGTERM neither ends the program nor withdraws the request") {
  const interrupt_guard guard;
  std::raise(SIGTERM);
  std::raise(SIGTERM);
  CHECK(guard.stop_requested());
}

TEST_CASE("a closed pipe and a file that may not grow are errors of the write while a guard exists") {
  {
    const interrupt_guard guard;
    std::raise(SIGPIPE);
    std::raise(SIGXFSZ);
    CHECK_FALSE(guard.stop_requested());
  }
  CHECK((std::signal(SIGPIPE, SIG_DFL) == SIG_DFL));
  CHECK((std::signal(SIGXFSZ, SIG_DFL) == SIG_DFL));
}

#endif
