// minimal.cpp on a GPU, compiled by any C++ compiler: the kernels are in gpu/simclr_resnet18.cu. The images
// are uploaded once, and the host waits for losses after every ten steps.
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include <pretext/data/builtin.hpp>
#include <pretext/devices/cuda.hpp>
#include <pretext/optimizers/schedule.hpp>

#include "gpu/simclr_resnet18.hpp"

using namespace pretext;

int main() try {
  if (const std::string reason = cuda_gpu::unavailable_reason(); !reason.empty()) {
    std::printf("%s\n", reason.c_str());
    return 77;
  }
  const auto learner = make_simclr_resnet18(1);
  const std::string error = learner->upload_dataset(builtin_source{{.count = 8192}}, {.batch = 512});
  expects(error.empty(), error);
  const cosine_schedule rate{.peak = 2.0, .warmup = 5, .length = 60, .ramp = warm_up::after_start};

  for (int step = 0; step < 60; step += 10) {
    std::vector<step_values> values;
    for (int next = step; next < step + 10; ++next) values.push_back({.learning_rate = rate(next)});
    learner->enqueue_uploaded(static_cast<std::uint64_t>(step), values);
    std::printf("step %2d  loss %.3f\n", step + 10, learner->wait_losses().back());
  }
  save_encoder("minimal_gpu.safetensors", *learner);
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
