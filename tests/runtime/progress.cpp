#include <pretext/runtime/progress.hpp>

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <chrono>
#include <clocale>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>

#include <doctest/doctest.h>

using namespace pretext;

namespace {

/// What a progress of five steps of 32 images writes to a file.
template <class Use>
std::string written(const Use& use) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file{std::tmpfile(), &std::fclose};
  REQUIRE(file);
  progress shown{5, 32, file.get()};
  use(shown);
  shown.finish();
  std::rewind(file.get());
  std::string text(1000, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file.get()));
  return text;
}

/// What a progress of a million steps writes at its last step to a pseudo-terminal of this width, with this
/// TERM.
std::string on_terminal(unsigned columns, const char* term) {
  const int screen = posix_openpt(O_RDWR | O_NOCTTY);
  REQUIRE(screen >= 0);
  REQUIRE(grantpt(screen) == 0);
  REQUIRE(unlockpt(screen) == 0);
  const int terminal = ::open(ptsname(screen), O_RDWR | O_NOCTTY);
  REQUIRE(terminal >= 0);
  const winsize size{24, static_cast<unsigned short>(columns), 0, 0};
  REQUIRE(ioctl(terminal, TIOCSWINSZ, &size) == 0);
  setenv("TERM", term, 1);
  std::string text;
  {
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file{fdopen(terminal, "w"), &std::fclose};
    progress shown{1'000'000, 128, file.get()};
    shown.show(1'000'000, 0.25);
    shown.finish();
    shown.finish();
    std::fflush(file.get());
    // The line discipline may deliver a line in pieces.
    for (pollfd ready{screen, POLLIN, 0}; !text.ends_with('\n') && poll(&ready, 1, 5000) > 0;) {
      char some[500];
      const auto count = ::read(screen, some, sizeof some);
      if (count <= 0) break;
      text.append(some, static_cast<std::size_t>(count));
    }
  }
  ::close(screen);
  return text;
}

}  // namespace

TEST_CASE("on a terminal the line is rewritten and never wraps, however narrow the terminal is") {
  for (const unsigned columns : {200u, 80u, 60u, 40u, 30u, 20u, 5u}) {
    CAPTURE(columns);
    const std::string text = on_terminal(columns, "xterm");
    REQUIRE(text.starts_with("\r\033[K"));
    REQUIRE(text.ends_with("\r\n"));
    const std::string line = text.substr(4, text.size() - 6);
    CHECK_MESSAGE(line.find('\n') == line.npos, "finish ends the line once");
    CHECK(line.size() < columns);
    if (columns >= 80) CHECK(line.starts_with("[###"));
    if (columns >= 40) CHECK(line.find("step 1000000/1000000  loss 0.2500") != line.npos);
    if (columns >= 80) CHECK(line.ends_with(" s left"));
  }
}

TEST_CASE("a terminal that cannot rewrite a line gets whole lines without escape sequences") {
  for (const char* term : {"dumb", ""}) {
    const std::string text = on_terminal(80, term);
    CHECK(text.starts_with("[########################] step 1000000/1000000  loss 0.2500"));
    CHECK(text.find('\033') == text.npos);
    CHECK(text.find('\r') == text.size() - 2);  // the terminal's own, before the line's end
  }
}

TEST_CASE("the locale of the program does not change the line") {
  struct decimal_comma {
    std::string before = std::setlocale(LC_ALL, nullptr);
    bool set = std::setlocale(LC_ALL, "de_DE.UTF-8") || std::setlocale(LC_ALL, "fr_FR.UTF-8");
    ~decimal_comma() { std::setlocale(LC_ALL, before.c_str()); }
  } const locale;
  if (!locale.set) MESSAGE("no locale with a decimal comma is installed");
  CHECK(written([](progress& shown) { shown.show(5, 0.25); }).find("loss 0.2500") != std::string::npos);
}

TEST_CASE("where the output is no terminal, quick steps write one line: the last") {
  const std::string text = written([](progress& shown) {
    for (std::size_t step = 1; step <= 5; ++step) shown.show(step, 1.5 / double(step));
  });
  CHECK(text.starts_with("[########################] step 5/5  loss 0.3000  "));
  CHECK(text.ends_with(" images/s  0 s left\n"));
  CHECK(text.find('\n') == text.size() - 1);
}

TEST_CASE("a run that was stopped early has not written a line yet") {
  CHECK(written([](progress& shown) { shown.show(1, 2); }).empty());
}

TEST_CASE("the speed counts the images since the first step shown, also of a resumed run") {
  written([](progress& shown) {
    CHECK(shown.images_per_second() == 0);
    shown.show(2, 1);
    CHECK(shown.images_per_second() == 0);
    std::this_thread::sleep_for(std::chrono::milliseconds{20});
    shown.show(4, 1);
    CHECK(shown.images_per_second() > 0);
    CHECK(shown.images_per_second() <= 2 * 32 / .020);
  });
}
