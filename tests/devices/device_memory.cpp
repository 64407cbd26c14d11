#include <doctest/doctest.h>

#include <cstring>
#include <string>

#include <pretext/devices/cuda/messages.hpp>
#include <pretext/devices/device_memory.hpp>

using namespace pretext;

TEST_CASE("the largest batch that can fit is proportional to the available memory") {
  CHECK(largest_batch(512, 100, 50) == 256);
  CHECK(largest_batch(512, 100, 100) == 512);
  CHECK(largest_batch(3, 100, 10) == 0);
  constexpr std::size_t terabyte = std::size_t{1} << 40;
  CHECK(largest_batch(std::size_t{1} << 30, 4 * terabyte, terabyte) == std::size_t{1} << 28);
  static_assert(largest_batch(8, 0, 0) == 8);
}

TEST_CASE("the message of a full device contains the bytes requested and free and the largest batch") {
  constexpr std::size_t mebibyte = std::size_t{1} << 20;
  const out_of_device_memory full{30 * mebibyte - 1, 10 * mebibyte, 80 * mebibyte};
  CHECK(full.what() == std::string{"out of device memory: 30 MiB requested with 10 MiB of 80 MiB free"});
  const auto error = full.in_batch(64, 70 * mebibyte);
  CHECK(std::string{error.what()} ==
        "out of device memory: 30 MiB requested with 10 MiB of 80 MiB free; a batch of 64 images does not "
        "fit, nor does one of more than 51: choose a smaller batch or a smaller network");
  CHECK_THROWS_AS(throw error, std::bad_alloc);
}

TEST_CASE("where CUDA cannot be used, the message says what to do") {
  using namespace cuda_failure;
  CHECK(version(12040) == "12.4");
  CHECK(old_driver(0, 13000).find("no NVIDIA driver") != std::string::npos);
  CHECK(old_driver(12040, 13000).find("supports CUDA 12.4, but this program was built with CUDA 13.0") !=
        std::string::npos);
  CHECK(no_gpu().find("CUDA_VISIBLE_DEVICES") != std::string::npos);
  CHECK(no_code(8, 6).find("CMAKE_CUDA_ARCHITECTURES=86") != std::string::npos);
  CHECK(other("reading a loss", "unspecified launch failure") ==
        "CUDA failed reading a loss: unspecified launch failure");
}
