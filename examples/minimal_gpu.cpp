// minimal.cpp on a GPU, compiled by any C++ compiler: the kernels are in gpu/simclr_resnet18.cu.
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include <pretext/data/builtin.hpp>
#include <pretext/data/loader.hpp>
#include <pretext/io/weights.hpp>
#include <pretext/optimizers/schedule.hpp>

#include "gpu/simclr_resnet18.hpp"

using namespace pretext;

int main() try {
  if (const std::string reason = cuda::why_not(); !reason.empty()) {
    std::printf("%s\n", reason.c_str());
    return 77;
  }
  constexpr std::size_t batch_size = 512;
  loader batches{builtin_source{{.count = 8192}}, {.batch = batch_size}};
  gpu::learner learner{{.compare = {.temperature = 0.2f}}, {.weight_decay = 1e-6}, 1};
  const cosine rate{.peak = 2.0, .warmup = 5, .length = 60, .ramp = warm_up::after_start};

  tensor<gpu::place::activation, gpu::images, cuda> views{2 * batch_size};
  for (int step = 0; step < 60; ++step) {
    const auto batch = batches.next();
    gpu::make_views(learner.place(), batch.images, batch.samples, 1, batch.epoch, views.view());
    const double loss = learner.step(views.view(), rate(step));
    if (step % 10 == 9) std::printf("step %2d  loss %.3f\n", step + 1, loss);
  }
  std::vector<float> values(gpu::method::size);
  cuda::read(learner.place().stream, values.data(), learner.memory().value.data(), values.size());
  safetensors encoder;
  append_torch_tensors<float>(gpu::method::parameters, values.data(), "backbone.", encoder);
  write_safetensors("minimal_gpu.safetensors", encoder);
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
