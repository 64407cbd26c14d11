// SimCLR in thirty lines: a thin ResNet-18 learns from unlabelled images, is saved, and encodes an image.
#include <cstdio>
#include <span>

#include <pretext/cpu.hpp>
#include <pretext/data/builtin.hpp>
#include <pretext/data/loader.hpp>
#include <pretext/inference/inference_context.hpp>

using namespace pretext;

using images = shape<32, 32, 3>;            // rows, columns, channels
using network = resnet18<stem::cifar, 16>;  // features of 128 values
using method = simclr<images, network>;     // a wrong composition does not compile

int main() {
  const builtin_source pictures{{.count = 2000}};
  loader batches{pictures, {.batch = 100}};
  trainer<method, on<cpu>, lars> learner{
      {.loss = {.temperature = 0.2}}, {.weight_decay = 1e-6}, {.seed = 1, .threads = 2}};
  const cosine_schedule rate{.peak = 2.0, .warmup = 5, .length = 60, .ramp = warm_up::after_start};
  const two_views views{simclr_cifar()};

  for (int step = 0; step < 60; ++step) {
    const double loss = learner.step(views, batches.next(), {.learning_rate = rate(step)});
    if (step % 10 == 9) std::printf("step %2d  loss %.3f\n", step + 1, loss);
  }
  save_encoder("minimal.safetensors", learner, {.fit = image_fit::whole});

  const encoder_model<network, images> model{"minimal.safetensors"};  // threads may share it
  inference_context context{model, {.threads = 2}};                   // each thread has its own
  image picture;
  pictures.read(0, picture);  // 8-bit pixels of any size
  const std::span<const float> feature = context.encode(picture);
  std::printf("a feature of %zu values: %.3f, %.3f, ...\n", feature.size(), feature[0], feature[1]);
}
