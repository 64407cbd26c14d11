// The mock cuBLASLt for programs on the mock GPU, and the device-memory access of the mock libraries.
#include <string>

#include "cuda/mock_cublaslt.hpp"
#include "runtime.hpp"

using namespace pretext::tests;

namespace {
std::byte* checked_pointer(const void* memory, ptx::access_error what, const char* doing) {
  if (what) throw ptx::fault{std::string{"a library's product "} + doing + " " + what};
  return ptx::gpu::instance().memory.host_pointer(ptx::address_of(memory));
}
}  // namespace

const void* pretext::tests::library_input(const void* memory, std::size_t bytes) {
  return checked_pointer(memory, ptx::gpu::instance().memory.on_read(ptx::address_of(memory), bytes),
                         "reads");
}
void* pretext::tests::library_output(void* memory, std::size_t bytes) {
  return checked_pointer(memory, ptx::gpu::instance().memory.on_write(ptx::address_of(memory), bytes),
                         "writes");
}
void pretext::tests::enqueue_library_work(cudaStream_t on, const char* what, const ptx::library_work& size,
                                          std::function<void()> work) {
  ptx::gpu::instance().add_work(on, what, size, std::move(work));
}
void pretext::tests::library_error(const char* what) {
  throw ptx::fault{std::string{"cuBLASLt would refuse "} + what};
}
