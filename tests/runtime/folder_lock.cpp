#include <pretext/runtime/folder_lock.hpp>

#include "support/temporary_folder.hpp"

#if !defined(_WIN32)
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#endif

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>

#include <doctest/doctest.h>

using namespace pretext;

TEST_CASE("a folder has one owner at a time, and the others are told its process") {
  const temporary_folder folder;
  std::optional<folder_lock> first;
  first.emplace(folder.path());
  CHECK(first->is_exclusive());
  for (int attempt = 0; attempt < 2; ++attempt)
    check_throws<std::runtime_error>([&] { folder_lock{folder.path()}; }, folder.path().string(),
                                     "a run is under way", std::to_string(pretext::detail::process_number()));
  first.reset();
  CHECK(std::filesystem::is_empty(folder.path()));
  folder_lock{folder.path()};
  check_throws<std::runtime_error>([&] { folder_lock{folder / "none"}; },
                                   (folder / "none" / "run.lock").string(), "cannot create");
}

#if !defined(_WIN32)

TEST_CASE("a process that is killed leaves a folder that can be locked") {
  const temporary_folder folder;
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    try {
      const folder_lock lock{folder.path()};
      ::kill(::getpid(), SIGKILL);
    } catch (...) {}
    std::_Exit(1);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFSIGNALED(status));
  REQUIRE(std::filesystem::exists(folder / "run.lock"));
  CHECK(folder_lock{folder.path()}.is_exclusive());
}

#endif
