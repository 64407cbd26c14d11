// What a program for the played GPU finds instead of cuBLASLt and cuDNN: the products of the one; of the
// other that it cannot start, so that convolutions are our own kernels.
#include <string>

#include "../played_products.hpp"
#include "runtime.hpp"
#ifdef PRETEXT_CUDNN
#include <cudnn_graph.h>
#endif

using namespace pretext::tests;

namespace {
std::byte* reached(const void* memory, ptx::objection what, const char* doing) {
  if (what) throw ptx::fault{std::string{"a library's product "} + doing + " " + what};
  return ptx::gpu::only().memory.reach(ptx::address_of(memory));
}
}  // namespace

const void* pretext::tests::read_by_library(const void* memory, std::size_t bytes) {
  return reached(memory, ptx::gpu::only().memory.on_read(ptx::address_of(memory), bytes), "reads");
}
void* pretext::tests::written_by_library(void* memory, std::size_t bytes) {
  return reached(memory, ptx::gpu::only().memory.on_write(ptx::address_of(memory), bytes), "writes");
}
void pretext::tests::done_by_library(cudaStream_t on, std::function<void()> work) {
  ptx::gpu::only().stream(on).add(std::move(work));
}

#ifdef PRETEXT_CUDNN
extern "C" {
cudnnStatus_t cudnnCreate(cudnnHandle_t*) { return CUDNN_STATUS_NOT_INITIALIZED; }
cudnnStatus_t cudnnDestroy(cudnnHandle_t) { return CUDNN_STATUS_NOT_INITIALIZED; }
cudnnStatus_t cudnnSetStream(cudnnHandle_t, cudaStream_t) { return CUDNN_STATUS_NOT_INITIALIZED; }
const char* cudnnGetErrorString(cudnnStatus_t) { return "there is no cuDNN here"; }
cudnnStatus_t cudnnBackendCreateDescriptor(cudnnBackendDescriptorType_t, cudnnBackendDescriptor_t*) {
  return CUDNN_STATUS_NOT_INITIALIZED;
}
cudnnStatus_t cudnnBackendDestroyDescriptor(cudnnBackendDescriptor_t) { return CUDNN_STATUS_NOT_INITIALIZED; }
cudnnStatus_t cudnnBackendFinalize(cudnnBackendDescriptor_t) { return CUDNN_STATUS_NOT_INITIALIZED; }
cudnnStatus_t cudnnBackendExecute(cudnnHandle_t, cudnnBackendDescriptor_t, cudnnBackendDescriptor_t) {
  return CUDNN_STATUS_NOT_INITIALIZED;
}
cudnnStatus_t cudnnBackendSetAttribute(cudnnBackendDescriptor_t, cudnnBackendAttributeName_t,
                                       cudnnBackendAttributeType_t, int64_t, const void*) {
  return CUDNN_STATUS_NOT_INITIALIZED;
}
cudnnStatus_t cudnnBackendGetAttribute(cudnnBackendDescriptor_t, cudnnBackendAttributeName_t,
                                       cudnnBackendAttributeType_t, int64_t, int64_t*, void*) {
  return CUDNN_STATUS_NOT_INITIALIZED;
}
}  // extern "C"
#endif
