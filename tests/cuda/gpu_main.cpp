// Tests that need a GPU say so where there is none, and ctest counts them as skipped.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdio>
#include <string>

#include <pretext/devices/cuda.hpp>

int main(int count, char** words) {
  if (const std::string reason = pretext::cuda::unavailable_reason(); !reason.empty()) {
    std::printf("skipped: no GPU (%s)\n", reason.c_str());
    return 77;
  }
  return doctest::Context{count, words}.run();
}
