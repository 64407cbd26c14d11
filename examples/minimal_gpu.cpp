// minimal.cpp on a GPU, compiled by any C++ compiler: the kernels are in gpu/simclr_resnet18.cu. The images
// live in the GPU's memory, and it takes ten steps before it is asked for their losses.
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include <pretext/data/builtin.hpp>
#include <pretext/io/torch_weights.hpp>
#include <pretext/optimizers/schedule.hpp>

#include "gpu/simclr_resnet18.hpp"

using namespace pretext;

int main() try {
  if (const std::string reason = cuda::unavailable_reason(); !reason.empty()) {
    std::printf("%s\n", reason.c_str());
    return 77;
  }
  const device_dataset<cuda> images{builtin_source{{.count = 8192}}};
  gpu::learner learner{{.loss = {.temperature = 0.2f}}, {.weight_decay = 1e-6}, 1};
  gpu::queue queue{learner, {images, two_views{simclr_cifar()}, {.batch = 512}}};
  const cosine_schedule rate{.peak = 2.0, .warmup = 5, .length = 60, .ramp = warm_up::after_start};

  for (int step = 0; step < 60; step += 10) {
    std::vector<step_values> rates;
    for (int next = step; next < step + 10; ++next) rates.push_back({.learning_rate = rate(next)});
    std::printf("step %2d  loss %.3f\n", step + 10, queue.run(rates).back());
  }
  std::vector<float> values(gpu::method::size);
  cuda::read(learner.context().stream, values.data(), learner.memory().value.data(), values.size());
  safetensors encoder;
  append_torch_tensors<float>(gpu::method::parameters, values.data(), "backbone.", encoder);
  write_safetensors("minimal_gpu.safetensors", encoder);
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
