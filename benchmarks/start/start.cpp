// One step of SimCLR with a small encoder on 32 images; compare.py times the whole process.
#include <cstdio>
#include <cstdlib>

#include <pretext/cpu.hpp>

#include "timing.hpp"

using namespace pretext;

int main(int argc, char** argv) {
  const std::size_t threads = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 2;
  using images = shape<32, 32, 3>;
  trainer<simclr<images, resnet18<stem::cifar, 16>>, on<cpu>, sgd> learner{{}, {}, 1, cpu::stream{threads}};
  const benchmarks::random_images<32> data{32};
  tensor<float, images, cpu> views{2 * 32};
  augment(learner.context(), two_views{simclr_cifar()}, data.views, data.samples, 1, 0, views.view());
  const double loss = learner.step(views.view(), {.learning_rate = 0.05});
  std::printf(
      "{\"side\": \"pretext\", \"case\": \"from exec to the end of the first step, ResNet-18 width 16, 32 "
      "images\", "
      "\"threads\": %zu, \"loss\": %.4f}\n",
      threads, loss);
}
