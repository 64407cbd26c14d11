#pragma once
#include <cstdlib>
#include <filesystem>
#include <random>
#include <string>

#include <doctest/doctest.h>

/// A new folder that is deleted at the end of the test.
class temporary_folder {
 public:
  temporary_folder() {
    std::random_device number;
    do path_ = std::filesystem::temp_directory_path() / ("pretext_test_" + std::to_string(number()));
    while (!std::filesystem::create_directory(path_));
  }
  temporary_folder(const temporary_folder&) = delete;
  temporary_folder& operator=(const temporary_folder&) = delete;
  ~temporary_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::filesystem::path& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

/// `call` must throw an `Error` whose message contains each of `words`.
template <class Error, class Call, class... Words>
void check_throws(Call&& call, const Words&... words) {
  try {
    call();
    FAIL_CHECK("nothing was thrown");
  } catch (const Error& error) {
    const std::string message = error.what();
    for (const std::string& word : {std::string{words}...}) {
      CAPTURE(message);
      CAPTURE(word);
      CHECK(message.find(word) != std::string::npos);
    }
  }
}
