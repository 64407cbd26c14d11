// What a program for the played GPU finds instead of cuBLASLt, and how that and cuDNN get at its memory.
#include <string>

#include "cuda/mock_cublaslt.hpp"
#include "runtime.hpp"

using namespace pretext::tests;

namespace {
std::byte* reached(const void* memory, ptx::objection what, const char* doing) {
  if (what) throw ptx::fault{std::string{"a library's product "} + doing + " " + what};
  return ptx::gpu::only().memory.reach(ptx::address_of(memory));
}
}  // namespace

const void* pretext::tests::library_input(const void* memory, std::size_t bytes) {
  return reached(memory, ptx::gpu::only().memory.on_read(ptx::address_of(memory), bytes), "reads");
}
void* pretext::tests::library_output(void* memory, std::size_t bytes) {
  return reached(memory, ptx::gpu::only().memory.on_write(ptx::address_of(memory), bytes), "writes");
}
void pretext::tests::enqueue_library_work(cudaStream_t on, std::function<void()> work) {
  ptx::gpu::only().stream(on).add(std::move(work));
}
void pretext::tests::library_error(const char* what) {
  throw ptx::fault{std::string{"cuBLASLt would refuse "} + what};
}
