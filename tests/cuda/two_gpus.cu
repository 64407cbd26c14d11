// One process that uses two GPUs, one after the other.
#include <doctest/doctest.h>

#include <vector>

#include <pretext/cuda.cuh>

namespace pretext::tests {

/// Each block counts from its index in more shared memory than a launch may use by default.
struct counts_in_shared_memory {
  static constexpr unsigned threads = 32, numbers = 16 << 10;
  struct shared {
    float of[numbers];
  };
  float* last;

  template <class Block>
  PRETEXT_HOST_DEVICE void operator()(Block& block) const {
    auto& memory = block.shared();
    block.for_each_thread([&](unsigned thread) {
      for (unsigned i = thread; i < numbers; i += threads)
        memory.of[i] = static_cast<float>(block.index() + i);
    });
    block.for_each_thread([&](unsigned thread) {
      if (thread == 0) last[block.index()] = memory.of[numbers - 1];
    });
  }
};

}  // namespace pretext::tests

using namespace pretext;
using pretext::tests::counts_in_shared_memory;

TEST_CASE("a kernel has more than 48 KB of shared memory on each GPU of a process") {
  static_assert(sizeof(counts_in_shared_memory::shared) > 48 << 10);
  int devices = 0;
  REQUIRE(cudaGetDeviceCount(&devices) == cudaSuccess);
  for (int device = 0; device < devices; ++device) {
    CAPTURE(device);
    REQUIRE(cudaSetDevice(device) == cudaSuccess);
    const cuda_gpu::stream stream;
    float* const last = cuda_gpu::allocate<float>(3);
    for (int again = 0; again < 2; ++again) launch(stream, 3, counts_in_shared_memory{last});
    std::vector<float> found(3);
    cuda_gpu::read(stream, found.data(), last, 3);
    CHECK(found == std::vector<float>{16383, 16384, 16385});
    cuda_gpu::release(last);
  }
  REQUIRE(cudaSetDevice(0) == cudaSuccess);
}
