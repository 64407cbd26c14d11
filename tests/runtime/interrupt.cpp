#include <pretext/runtime/interrupt.hpp>

#include <csignal>

#include <doctest/doctest.h>

using namespace pretext;

namespace {
void handler_of_the_program(int) {}
}  // namespace

TEST_CASE("a signal sets a flag while a guard exists, and the program's handlers return with its end") {
  for (const int signal : {SIGINT, SIGTERM}) {
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

TEST_CASE("after the first Ctrl-C the second one ends the program") {
  const interrupt_guard guard;
  std::raise(SIGINT);
  CHECK(guard.stop_requested());
  CHECK((std::signal(SIGINT, SIG_DFL) == SIG_DFL));
}
