#include <doctest/doctest.h>

#include <string>

#include <pretext/core/version.hpp>

using namespace pretext;

TEST_CASE("the headers have the version of the CMake project") {
  const std::string text = std::to_string(version.major) + '.' + std::to_string(version.minor) + '.' +
                           std::to_string(version.patch);
  CHECK(text == PRETEXT_PROJECT_VERSION);
}

TEST_CASE("versions are ordered by major, then minor, then patch") {
  static_assert(version_number{0, 9, 9} < version_number{1, 0, 0});
  static_assert(version_number{1, 2, 9} < version_number{1, 10, 0});
  static_assert(version_number{1, 2, 3} == version_number{1, 2, 3});
}
