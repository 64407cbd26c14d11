#pragma once
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>

#include <doctest/doctest.h>

/// A folder of its own that disappears with the test.
class temporary_folder {
 public:
  temporary_folder() {
    std::string name = (std::filesystem::temp_directory_path() / "pretext_test_XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error{"cannot create " + name};
    path_ = name;
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

/// What `call` throws must be an `Error` whose sentence contains every one of `words`.
template <class Error, class Call, class... Words>
void check_throws(Call&& call, const Words&... words) {
  try {
    call();
    FAIL_CHECK("nothing was thrown");
  } catch (const Error& error) {
    const std::string sentence = error.what();
    for (const std::string& word : {std::string{words}...}) {
      CAPTURE(sentence);
      CAPTURE(word);
      CHECK(sentence.find(word) != std::string::npos);
    }
  }
}
