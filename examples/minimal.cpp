// SimCLR in thirty lines: a thin ResNet-18 learns from images without labels and is saved for PyTorch.
#include <cstdio>

#include <pretext/cpu.hpp>
#include <pretext/data/builtin.hpp>
#include <pretext/data/loader.hpp>
#include <pretext/io/torch_weights.hpp>

using namespace pretext;

using images = shape<32, 32, 3>;                           // rows, columns, channels
using method = simclr<images, resnet18<stem::cifar, 16>>;  // a wrong composition does not compile

int main() {
  loader batches{builtin_source{{.count = 2000}}, {.batch = 100}};
  trainer<method, on<cpu>, lars> learner{
      {.loss = {.temperature = 0.2f}}, {.weight_decay = 1e-6}, 1, cpu::stream{2}};
  const cosine_schedule rate{.peak = 2.0, .warmup = 5, .length = 60, .ramp = warm_up::after_start};

  tensor<float, images, cpu> views{2 * 100};
  for (int step = 0; step < 60; ++step) {
    const auto batch = batches.next();
    augment(learner.context(), two_views{simclr_cifar()}, batch.images, batch.samples, 1, batch.epoch,
            views.view());
    const double loss = learner.step(views.view(), {.learning_rate = rate(step)});
    if (step % 10 == 9) std::printf("step %2d  loss %.3f\n", step + 1, loss);
  }
  safetensors encoder;
  append_torch_tensors<float>(method::parameters, learner.memory().value.data(), "backbone.", encoder);
  write_safetensors("minimal.safetensors", encoder);
}
