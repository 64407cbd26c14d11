// Tests of cuda.hpp on the mock of CUDA's runtime.
#include <doctest/doctest.h>

#include <cstddef>
#include <exception>

#include <pretext/devices/cuda.hpp>

#include "cuda/ptx/gpu.hpp"

using namespace pretext;
using tests::ptx::gpu;

TEST_CASE(
    "a stream that could not be opened for lack of memory is opened by a later call, and is whole then") {
  constexpr auto unlimited = static_cast<std::size_t>(-1);
  constexpr std::size_t parts = 3;  // the stream, its loss, and the loss's place on the host
  for (std::size_t available = 0; available <= parts; ++available) {
    CAPTURE(available);
    const cuda_gpu::stream stream;
    gpu::instance().available = available;
    if (available < parts) {
      CHECK_THROWS_AS(stream.native(), std::exception);
      CHECK_THROWS_AS(stream.wait_loss(), std::exception);  // nothing is left
    } else {
      CHECK_NOTHROW(stream.native());
    }
    gpu::instance().available = unlimited;
    double* const loss = stream.wait_loss();
    REQUIRE(loss != nullptr);
    const double value = 2.5;
    REQUIRE(cudaMemcpyAsync(loss, &value, sizeof value, cudaMemcpyHostToDevice, stream.native()) ==
            cudaSuccess);
    CHECK(stream.take_loss() == 2.5);
  }
}
