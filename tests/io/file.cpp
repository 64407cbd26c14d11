#if !defined(_WIN32)
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#endif

#include <csignal>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include <pretext/io/file.hpp>

#include "support/temporary_folder.hpp"

using namespace pretext;
namespace fs = std::filesystem;

namespace {

std::string text_of(const fs::path& path) {
  const auto bytes = read_file(path);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::size_t entries(const fs::path& folder) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator{folder}, fs::directory_iterator{}));
}

#if defined(_WIN32)
const char no_such_folder[] = "cannot create the file", no_such_file[] = "cannot open the file";
#else
const char no_such_folder[] = "No such file or directory", no_such_file[] = "No such file or directory";

/// Limits the size of files of this process, as a full disk does.
class small_disk {
 public:
  explicit small_disk(rlim_t bytes) : handler_{std::signal(SIGXFSZ, SIG_IGN)} {
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit now{bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &now);
  }
  ~small_disk() {
    setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  void (*handler_)(int);
  rlimit before_{};
};
#endif

}  // namespace

TEST_CASE("a file is read as it was written, also where it replaces a longer one") {
  const temporary_folder folder;
  write_atomically(folder / "a", std::string(100000, 'x'));
  write_atomically(folder / "a", "short");
  CHECK(text_of(folder / "a") == "short");
  write_atomically(folder / "empty", "");
  CHECK(read_file(folder / "empty").empty());
  CHECK(entries(folder.path()) == 2);
}

TEST_CASE("an output file without commit leaves nothing behind") {
  const temporary_folder folder;
  try {
    output_file file{folder / "a"};
    file.write(std::as_bytes(std::span{std::string_view{"half"}}));
    CHECK(entries(folder.path()) == 1);
    throw std::logic_error{"interrupted"};
  } catch (const std::logic_error&) {}
  CHECK(entries(folder.path()) == 0);
}

TEST_CASE("a missing folder and a folder of the file's name are rejected by name") {
  const temporary_folder folder;
  check_throws<std::runtime_error>([&] { write_atomically(folder / "no" / "a", "x"); },
                                   (folder / "no" / "a").string(), no_such_folder);
  fs::create_directory(folder / "sub");
  check_throws<std::runtime_error>([&] { write_atomically(folder / "sub", "x"); }, "sub",
                                   "not a regular file");
  check_throws<std::runtime_error>([&] { read_file(folder / "sub"); }, "sub", "not a regular file");
  check_throws<std::runtime_error>([&] { read_file(folder / "missing"); }, (folder / "missing").string(),
                                   no_such_file);
}

TEST_CASE("a reader concurrent with a writer sees one of the versions, never a mixture") {
  const temporary_folder folder;
  const std::string versions[] = {std::string(50000, 'a'), std::string(30000, 'b')};
  write_atomically(folder / "shared", versions[0]);
  std::thread writer{[&] {
    for (int i = 1; i < 40; ++i) write_atomically(folder / "shared", versions[i % 2]);
  }};
  bool whole = true;
  for (int i = 0; i < 200; ++i) {
    const auto text = text_of(folder / "shared");
    whole = whole && (text == versions[0] || text == versions[1]);
  }
  writer.join();
  CHECK(whole);
}

TEST_CASE("reading past the end of a file names the byte") {
  const temporary_folder folder;
  write_atomically(folder / "ten", "0123456789");
  const input_file file{folder / "ten"};
  CHECK(file.size() == 10);
  std::vector<std::byte> bytes(4);
  file.read(6, bytes);
  CHECK(static_cast<char>(bytes[3]) == '9');
  check_throws<std::runtime_error>([&] { file.read(8, bytes); }, "ten", "ends at byte 10",
                                   "2 bytes too early");
}

TEST_CASE("what killed processes left of a file is deleted, and nothing else") {
  const temporary_folder folder;
  for (const char* name : {"a.csv", "a.csv.12.0.partial", "a.csv.3.45.partial", "a.csv.partial",
                           "a.csv.b.partial", "b.csv.12.0.partial", "a.csv.12.0.partial.csv"})
    std::ofstream{folder / name} << "x";
  remove_partial_files(folder / "a.csv");
  remove_partial_files(folder / "none/a.csv");
  std::set<std::string> left;
  for (const auto& entry : std::filesystem::directory_iterator{folder.path()})
    left.insert(entry.path().filename().string());
  CHECK(left == std::set<std::string>{"a.csv", "a.csv.partial", "a.csv.b.partial", "b.csv.12.0.partial",
                                      "a.csv.12.0.partial.csv"});
}

#if !defined(_WIN32)

TEST_CASE("a full disk leaves the old file and no partial one, and throws a message with the name") {
  const temporary_folder folder;
  write_atomically(folder / "weights", "old");
  {
    const small_disk disk{4096};
    check_throws<std::runtime_error>([&] { write_atomically(folder / "weights", std::string(10000, 'n')); },
                                     (folder / "weights").string(), "cannot write the file");
  }
  CHECK(text_of(folder / "weights") == "old");
  CHECK(entries(folder.path()) == 1);
}

TEST_CASE("a device is not replaced") {
  check_throws<std::runtime_error>([] { write_atomically("/dev/null", "x"); }, "/dev/null",
                                   "not a regular file");
  CHECK(fs::is_character_file("/dev/null"));
}

TEST_CASE("a named pipe is rejected at once and not waited for") {
  const temporary_folder folder;
  REQUIRE(mkfifo((folder / "pipe.jpg").c_str(), 0600) == 0);
  check_throws<std::runtime_error>([&] { read_file(folder / "pipe.jpg"); }, (folder / "pipe.jpg").string(),
                                   "not a regular file");
}

TEST_CASE("a symbolic link keeps its target, which gets the new bytes") {
  const temporary_folder folder;
  write_atomically(folder / "target", "old");
  fs::create_symlink("target", folder / "link");
  write_atomically(folder / "link", "new");
  CHECK(fs::is_symlink(folder / "link"));
  CHECK(text_of(folder / "target") == "new");
}

TEST_CASE("moving into a handle closes its old file at once") {
  const auto opened = [] { return pretext::detail::file_handle{::open("/dev/null", O_RDONLY)}; };
  auto first = opened(), second = opened();
  const int old = first.number(), kept = second.number();
  first = std::move(second);
  CHECK(::fcntl(old, F_GETFD) == -1);
  CHECK(first.number() == kept);
  CHECK_FALSE(second);
  auto& same = first;
  first = std::move(same);
  CHECK(::fcntl(kept, F_GETFD) != -1);
}

#endif
