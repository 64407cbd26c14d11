// Whole steps of SimCLR: two views augmented from uint8 images, forward, NT-Xent, backward, SGD.
//   step.simclr [resnet18-thin|resnet18] [steps] [threads] [bf16]
#include <cstdio>
#include <cstdlib>
#include <string>

#include <pretext/cpu.hpp>

#include "timing.hpp"

using namespace pretext;

namespace {

template <class Encoder, class Numerics>
void time_steps(const std::string& name, std::size_t batch, int steps, std::size_t threads) {
  using images = shape<32, 32, 3>;
  using method = simclr<images, Encoder>;
  trainer<method, on<cpu, Numerics>, sgd> learner{method{.compare = {.temperature = .5f}}, sgd{}, 1,
                                                  cpu::stream{threads}};
  const benchmarks::random_images<32> data{batch};
  const two_views views{augmentation{
      random_resized_crop<retried_box>{.method = interpolation::bilinear_antialias}, horizontal_flip{},
      torchvision_jitter{.brightness = .4f, .contrast = .4f, .saturation = .4f, .hue = .1f}, grayscale{},
      normalise{}}};
  tensor<float, images, cpu> input{2 * batch};
  const auto milliseconds = benchmarks::milliseconds_of(steps, [&](int step) {
    augment(learner.place(), views, data.views, data.samples, 1, static_cast<std::uint32_t>(step),
            input.view());
    learner.step(input.view(), 0.05);
  });
  benchmarks::report(name, threads, milliseconds);
}

template <class Encoder>
void time_steps(const std::string& name, std::size_t batch, int steps, std::size_t threads, bool in_bf16) {
  if (in_bf16)
    time_steps<Encoder, bf16>(name + ", bf16", batch, steps, threads);
  else
    time_steps<Encoder, fp32>(name, batch, steps, threads);
}

}  // namespace

int main(int count, char** words) {
  const std::string encoder = count > 1 ? words[1] : "resnet18-thin";
  const int steps = count > 2 ? std::atoi(words[2]) : 3;
  const std::size_t threads = count > 3 ? std::strtoull(words[3], nullptr, 10) : 2;
  const bool in_bf16 = count > 4 && words[4] == std::string{"bf16"};
  if (encoder == "resnet18-thin")
    time_steps<resnet18<stem::cifar, 16>>("SimCLR step, ResNet-18 width 16, 128 images", 128, steps, threads,
                                          in_bf16);
  else if (encoder == "resnet18")
    time_steps<resnet18<stem::cifar>>("SimCLR step, ResNet-18, 256 images", 256, steps, threads, in_bf16);
  else {
    std::fprintf(stderr, "unknown encoder %s; choose resnet18-thin or resnet18\n", encoder.c_str());
    return 2;
  }
}
