#include <pretext/runtime/progress.hpp>

#include <chrono>
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

}  // namespace

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
