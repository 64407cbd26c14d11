// Times whole steps of SimCLR: two views augmented from uint8 images, forward, NT-Xent, backward, SGD.
//   step.simclr [resnet18-thin|resnet18|resnet18-64|-96|-160|-224|resnet50] [steps] [threads] [fp32|bf16]
//   [images]
#include <concepts>
#include <cstdio>
#include <cstdlib>
#include <string>

#include <pretext/cpu.hpp>

#include "timing.hpp"

using namespace pretext;

namespace {

template <class Encoder, std::size_t Side, class Numerics = fp32>
void time_steps(const std::string& encoder, std::size_t batch, int steps, std::size_t threads) {
  using images = shape<Side, Side, 3>;
  using method = simclr<images, Encoder>;
  trainer<method, on<cpu, Numerics>, sgd> learner{method{.loss = {.temperature = .5f}}, sgd{}, 1,
                                                  cpu::stream{threads}};
  const benchmarks::random_images<Side> data{batch};
  const two_views views{
      augmentation{random_resized_crop<torchvision_crop_box>{.method = interpolation::bilinear_antialias},
                   horizontal_flip{},
                   torchvision_jitter{.brightness = .4f, .contrast = .4f, .saturation = .4f, .hue = .1f},
                   grayscale{}, normalise{}}};
  tensor<float, images, cpu> input{2 * batch};
  const auto milliseconds = benchmarks::milliseconds_of(steps, [&](int step) {
    augment(learner.context(), views, data.views, data.samples, 1, static_cast<std::uint32_t>(step),
            input.view());
    learner.step(input.view(), {.learning_rate = 0.05});
  });
  benchmarks::report("SimCLR step, " + encoder + ", " + std::to_string(Side) + " px, " +
                         std::to_string(batch) + " images" + (std::same_as<Numerics, bf16> ? ", bf16" : ""),
                     threads, milliseconds, 2. * double(batch) * double(macs<Encoder, images>));
}

template <class Encoder, std::size_t Side>
void time_steps(const std::string& encoder, std::size_t batch, int steps, std::size_t threads, bool in_bf16) {
  if (in_bf16)
    time_steps<Encoder, Side, bf16>(encoder, batch, steps, threads);
  else
    time_steps<Encoder, Side, fp32>(encoder, batch, steps, threads);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string encoder = argc > 1 ? argv[1] : "resnet18-thin";
  const int steps = argc > 2 ? std::atoi(argv[2]) : 3;
  const std::size_t threads = argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 2;
  const bool in_bf16 = argc > 4 && argv[4] == std::string{"bf16"};
  const std::size_t given = argc > 5 ? std::strtoull(argv[5], nullptr, 10) : 0;
  const auto batch = [&](std::size_t by_default) { return given ? given : by_default; };
  if (encoder == "resnet18-thin")
    time_steps<resnet18<stem::cifar, 16>, 32>("ResNet-18 width 16", batch(128), steps, threads, in_bf16);
  else if (encoder == "resnet18")
    time_steps<resnet18<stem::cifar>, 32>("ResNet-18", batch(256), steps, threads, in_bf16);
  else if (encoder == "resnet50")
    time_steps<resnet50<>, 224>("ResNet-50", batch(16), steps, threads, in_bf16);
  else if (encoder == "resnet18-64")
    time_steps<resnet18<>, 64>("ResNet-18", batch(16), steps, threads);
  else if (encoder == "resnet18-96")
    time_steps<resnet18<>, 96>("ResNet-18", batch(16), steps, threads);
  else if (encoder == "resnet18-160")
    time_steps<resnet18<>, 160>("ResNet-18", batch(16), steps, threads);
  else if (encoder == "resnet18-224")
    time_steps<resnet18<>, 224>("ResNet-18", batch(16), steps, threads);
  else {
    std::fprintf(stderr, "unknown encoder %s; choose resnet18-thin, resnet18, resnet18-SIDE or resnet50\n",
                 encoder.c_str());
    return 2;
  }
}
