#include <cstdio>
#include <exception>

#include <cub/block/block_reduce.cuh>
#include <cuda/std/cstddef>
#include <pretext/cuda.cuh>

// NVIDIA's CCCL has a namespace cuda: no name of pretext may be ambiguous beside it.
using namespace pretext;

int main() {
  try {
    on<cuda_gpu> context;
    context.stream.wait();
    std::puts("this machine has a GPU");
  } catch (const std::exception& error) { std::puts(error.what()); }
}
