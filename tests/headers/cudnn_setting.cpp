// One file of a program that runs on a GPU: cudnn_setting.cmake compiles it with and without PRETEXT_CUDNN.
// It needs no CUDA library, because it calls nothing of CUDA.
#include <pretext/devices/cuda.hpp>

// Compiled into each file, as kernels are: were `cuda_gpu` one type, the linker would take one of them for
// both.
template <class Device>
struct convolution {
#ifdef PRETEXT_CUDNN
  [[gnu::noinline]] static bool uses_cudnn() { return true; }
#else
  [[gnu::noinline]] static bool uses_cudnn() { return false; }
#endif
};

#ifdef PRETEXT_CUDNN
constexpr bool expected = true;
#else
constexpr bool expected = false;
#endif

bool library_is_consistent();
bool train(pretext::cuda_gpu::stream*);

#if defined(DEFINES_LIBRARY)
bool library_is_consistent() { return convolution<pretext::cuda_gpu>::uses_cudnn() == expected; }
bool train(pretext::cuda_gpu::stream*) { return true; }
#elif defined(CALLS_TRAIN)
int main() { return train(nullptr) && library_is_consistent() ? 0 : 1; }
#else
int main() {
  return convolution<pretext::cuda_gpu>::uses_cudnn() == expected && library_is_consistent() ? 0 : 1;
}
#endif
