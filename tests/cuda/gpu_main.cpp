// Without a GPU this program prints why and exits with 77, which ctest counts as skipped.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdio>
#include <string>

#include <pretext/devices/cuda.hpp>

int main(int argc, char** argv) {
  if (const std::string reason = pretext::cuda_gpu::unavailable_reason(); !reason.empty()) {
    std::printf("skipped: no GPU (%s)\n", reason.c_str());
    return 77;
  }
  return doctest::Context{argc, argv}.run();
}
