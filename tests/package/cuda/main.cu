#include <cstdio>
#include <exception>

#include <pretext/cuda.cuh>

int main() {
  try {
    pretext::cuda::stream stream;
    std::puts("this machine has a GPU");
  } catch (const std::exception& error) { std::puts(error.what()); }
}
