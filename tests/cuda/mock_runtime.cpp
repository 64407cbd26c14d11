// The CUDA runtime of the mock GPU that interprets PTX. It runs work as late as a GPU may, and it is as
// strict.
#include <doctest/doctest.h>

#include <cstddef>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include <cuda_runtime_api.h>

#include "cuda/ptx/gpu.hpp"

using pretext::tests::ptx::gpu;

namespace {

using ints = std::vector<int>;
constexpr std::size_t bytes = 4 * sizeof(int);

/// A stream with four ints on the device and four in pinned memory.
struct fixture {
  cudaStream_t stream = nullptr;
  void* device = nullptr;
  void* pinned = nullptr;

  fixture() {
    REQUIRE(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking) == cudaSuccess);
    REQUIRE(cudaMalloc(&device, bytes) == cudaSuccess);
    REQUIRE(cudaMallocHost(&pinned, bytes) == cudaSuccess);
  }
  ~fixture() {
    cudaStreamDestroy(stream);
    cudaFree(device);
    cudaFreeHost(pinned);
  }
  void send(const void* host) {
    REQUIRE(cudaMemcpyAsync(device, host, bytes, cudaMemcpyHostToDevice, stream) == cudaSuccess);
  }
  void fetch(void* host) {
    REQUIRE(cudaMemcpyAsync(host, device, bytes, cudaMemcpyDeviceToHost, stream) == cudaSuccess);
  }
  cudaError_t wait() { return cudaStreamSynchronize(stream); }
  ints found() {
    ints host(4);
    fetch(host.data());
    REQUIRE(wait() == cudaSuccess);
    return host;
  }
};

/// The message of the fault, which is then cleared.
std::string fault_of(cudaError_t error) {
  CHECK(error == cudaErrorLaunchFailure);
  cudaGetLastError();
  return gpu::instance().take_fault();
}

}  // namespace

TEST_CASE("a copy completes when the host waits for it, and not before") {
  fixture p;
  ints host{1, 2, 3, 4}, back(4, -1);
  p.send(host.data());
  p.fetch(back.data());
  CHECK(back == ints(4, -1));
  CHECK(p.wait() == cudaSuccess);
  CHECK(back == host);
}
TEST_CASE("a copy reads pageable memory immediately and pinned memory when it runs") {
  fixture p;
  ints host{1, 2, 3, 4};
  p.send(host.data());
  host.assign(4, 9);
  CHECK(p.found() == ints{1, 2, 3, 4});
  std::memset(p.pinned, 0, bytes);
  p.send(p.pinned);
  std::memset(p.pinned, 0xFF, bytes);
  CHECK(p.found() == ints(4, -1));
}
TEST_CASE("an event waits only for the work before it") {
  fixture p;
  ints first{1, 2, 3, 4}, seen(4, -1), later(4, -1);
  cudaEvent_t event = nullptr;
  REQUIRE(cudaEventCreateWithFlags(&event, cudaEventDisableTiming) == cudaSuccess);
  p.send(first.data());
  p.fetch(seen.data());
  REQUIRE(cudaEventRecord(event, p.stream) == cudaSuccess);
  p.fetch(later.data());
  CHECK(cudaEventSynchronize(event) == cudaSuccess);
  CHECK(seen == first);
  CHECK(later == ints(4, -1));
  CHECK(p.wait() == cudaSuccess);
  CHECK(later == first);
  cudaEventDestroy(event);
}
TEST_CASE("captured work runs each time the graph is launched, and not before") {
  fixture p;
  const auto last = static_cast<int*>(p.pinned);
  REQUIRE(cudaMemsetAsync(p.device, 0, bytes, p.stream) == cudaSuccess);
  REQUIRE(cudaStreamBeginCapture(p.stream, cudaStreamCaptureModeThreadLocal) == cudaSuccess);
  p.fetch(p.pinned);
  REQUIRE(cudaMemsetAsync(p.device, 0xFF, bytes, p.stream) == cudaSuccess);
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t executable = nullptr;
  REQUIRE(cudaStreamEndCapture(p.stream, &graph) == cudaSuccess);
  REQUIRE(cudaGraphInstantiate(&executable, graph, 0) == cudaSuccess);
  cudaGraphDestroy(graph);
  CHECK(p.found() == ints(4, 0));
  for (const int expected : {0, -1}) {
    CHECK(cudaGraphLaunch(executable, p.stream) == cudaSuccess);
    CHECK(p.wait() == cudaSuccess);
    CHECK(last[3] == expected);
  }
  cudaGraphExecDestroy(executable);
}
TEST_CASE("a stream that waits for an event runs later work after what the event marks") {
  fixture p;
  ints host{1, 2, 3, 4}, seen(4, -1);
  cudaStream_t other = nullptr;
  cudaEvent_t event = nullptr;
  REQUIRE(cudaStreamCreateWithFlags(&other, cudaStreamNonBlocking) == cudaSuccess);
  REQUIRE(cudaEventCreateWithFlags(&event, cudaEventDisableTiming) == cudaSuccess);
  p.send(host.data());
  REQUIRE(cudaEventRecord(event, p.stream) == cudaSuccess);
  REQUIRE(cudaStreamWaitEvent(other, event, 0) == cudaSuccess);
  REQUIRE(cudaMemcpyAsync(seen.data(), p.device, bytes, cudaMemcpyDeviceToHost, other) == cudaSuccess);
  CHECK(cudaStreamQuery(other) == cudaErrorNotReady);
  CHECK(cudaStreamQuery(other) == cudaSuccess);
  CHECK(seen == host);
  cudaEventDestroy(event);
  cudaStreamDestroy(other);
}
TEST_CASE("a stream that waits for a captured event is captured with it, and must be waited for") {
  fixture p;
  cudaStream_t other = nullptr;
  cudaEvent_t event = nullptr;
  REQUIRE(cudaStreamCreateWithFlags(&other, cudaStreamNonBlocking) == cudaSuccess);
  REQUIRE(cudaEventCreateWithFlags(&event, cudaEventDisableTiming) == cudaSuccess);
  const auto order = [&](cudaStream_t before, cudaStream_t after) {
    REQUIRE(cudaEventRecord(event, before) == cudaSuccess);
    REQUIRE(cudaStreamWaitEvent(after, event, 0) == cudaSuccess);
  };
  for (const bool joined : {true, false}) {
    REQUIRE(cudaMemsetAsync(p.device, 0, bytes, p.stream) == cudaSuccess);
    REQUIRE(cudaStreamBeginCapture(p.stream, cudaStreamCaptureModeThreadLocal) == cudaSuccess);
    order(p.stream, other);
    REQUIRE(cudaMemsetAsync(p.device, 0xFF, bytes, other) == cudaSuccess);
    if (joined) order(other, p.stream);
    cudaGraph_t graph = nullptr;
    CHECK(cudaStreamEndCapture(p.stream, &graph) == (joined ? cudaSuccess : cudaErrorStreamCaptureUnjoined));
    cudaGetLastError();
    CHECK((graph != nullptr) == joined);
    CHECK(p.found() == ints(4, 0));  // neither stream has run it
    if (!joined) continue;
    cudaGraphExec_t executable = nullptr;
    REQUIRE(cudaGraphInstantiate(&executable, graph, 0) == cudaSuccess);
    CHECK(cudaGraphLaunch(executable, p.stream) == cudaSuccess);
    CHECK(p.found() == ints(4, -1));
    cudaGraphExecDestroy(executable);
    cudaGraphDestroy(graph);
  }
  cudaEventDestroy(event);
  cudaStreamDestroy(other);
}
TEST_CASE("waiting, allocating and copying pageable memory invalidate a capture") {
  fixture p;
  ints host(4);
  void* memory = nullptr;
  const auto invalidated_by = [&](const auto& call) {
    REQUIRE(cudaStreamBeginCapture(p.stream, cudaStreamCaptureModeThreadLocal) == cudaSuccess);
    CHECK(call() == cudaErrorStreamCaptureUnsupported);
    cudaGraph_t graph = nullptr;
    CHECK(cudaStreamEndCapture(p.stream, &graph) == cudaErrorStreamCaptureInvalidated);
    CHECK(cudaGetLastError() != cudaSuccess);
    return graph == nullptr;
  };
  CHECK(invalidated_by([&] { return p.wait(); }));
  CHECK(invalidated_by([&] { return cudaDeviceSynchronize(); }));
  CHECK(invalidated_by([&] { return cudaMalloc(&memory, 4); }));
  CHECK(invalidated_by([&] { return cudaFree(p.device); }));
  CHECK(invalidated_by([&] { return cudaMemset(p.device, 0, bytes); }));
  CHECK(invalidated_by(
      [&] { return cudaMemcpyAsync(p.device, host.data(), bytes, cudaMemcpyHostToDevice, p.stream); }));
}
TEST_CASE("an invalid copy is a fault that persists until it is read") {
  {
    fixture p;
    ints host(4);
    p.fetch(host.data());
    const std::string message = fault_of(p.wait());
    CHECK(message == "a copy reads uninitialized memory");
  }
  {
    fixture p;
    p.send(p.pinned);
    cudaFreeHost(std::exchange(p.pinned, nullptr));
    CHECK(p.wait() == cudaErrorLaunchFailure);
    CHECK(cudaDeviceSynchronize() == cudaErrorLaunchFailure);
    CHECK(fault_of(cudaErrorLaunchFailure) == "a copy uses pinned memory that has been freed");
  }
  {
    fixture p;
    REQUIRE(cudaMemsetAsync(p.device, 0, bytes + 1, p.stream) == cudaSuccess);
    CHECK(fault_of(p.wait()) == "clearing writes memory that is not allocated");
    CHECK(cudaFree(static_cast<std::byte*>(p.device) + 4) == cudaErrorLaunchFailure);
    CHECK(fault_of(cudaErrorLaunchFailure) == "cudaFree of memory that is not allocated");
  }
}
TEST_CASE("a launch captures its parameters and checks its extents") {
  using namespace pretext::tests::ptx;
  const gpu::function writes{.from = &gpu::instance().add(R"(.version 8.0
.target sm_80
.address_size 64
.extern .shared .align 32 .b8 memory[];
.visible .entry writes(
.param .align 8 .b8 writes_param[16]
)
{
.reg .b32 %r<4>;
.reg .b64 %rd<4>;
ld.param.u64 %rd1, [writes_param];
ld.param.u32 %r1, [writes_param+8];
mov.u32 %r2, %tid.x;
mul.wide.u32 %rd2, %r2, 4;
add.s64 %rd3, %rd1, %rd2;
st.global.u32 [%rd3], %r1;
ret;
}
)"),
                             .name = "writes"};
  struct {
    void* where;
    int value;
  } parameters{};
  fixture p;
  parameters = {p.device, 7};
  CHECK(gpu::instance().launch(writes, {1, 4, 0}, &parameters, p.stream) == nullptr);
  parameters.value = 8;
  CHECK(p.found() == ints(4, 7));
  CHECK(gpu::instance().launch(writes, {1, 4, gpu::default_shared_memory + 1}, &parameters, p.stream) !=
        nullptr);
  CHECK(gpu::instance().launch(writes, {0, 4, 0}, &parameters, p.stream) != nullptr);
  CHECK(gpu::instance().launch(writes, {1, 1025, 0}, &parameters, p.stream) != nullptr);
  CHECK(p.found() == ints(4, 7));
  CHECK(gpu::instance().launch(writes, {1, 5, 0}, &parameters, p.stream) == nullptr);
  const std::string message = fault_of(p.wait());
  CHECK(message.find("thread 4 of block 0 writes memory that is not allocated") == 0);
}
TEST_CASE("allocating more memory than exists fails, and cudaMemGetInfo reports what is free") {
  std::size_t before = 0, after = 0, total = 0;
  void *memory = nullptr, *more = nullptr;
  CHECK(cudaMemGetInfo(&before, &total) == cudaSuccess);
  CHECK(cudaMalloc(&memory, 1000) == cudaSuccess);
  CHECK(cudaMalloc(&more, total) == cudaErrorMemoryAllocation);
  CHECK(cudaMemGetInfo(&after, &total) == cudaSuccess);
  CHECK(before - after == 1000);
  CHECK(cudaFree(memory) == cudaSuccess);
}
