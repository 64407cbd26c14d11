// Whole steps of MAE: crops and flips of uint8 images, a quarter of the patches through ViT-Ti/4, the decoder
// over all, the loss of the hidden ones, backward, AdamW.
//   step.mae [steps] [threads] [bf16]
#include <cstdlib>
#include <string>

#include <pretext/cpu.hpp>

#include "timing.hpp"

using namespace pretext;

namespace {

template <class Numerics>
void time_steps(const std::string& name, int steps, std::size_t threads) {
  constexpr std::size_t batch = 128;
  using method = mae_vit_tiny_4;
  trainer<method, on<cpu, Numerics>, adamw> learner{method{}, adamw{.weight_decay = .05}, 1,
                                                    cpu::stream{threads}};
  const benchmarks::random_images<32> data{batch};
  const auto views = mae_augmentation();
  tensor<float, method::images, cpu> input{batch};
  const auto milliseconds = benchmarks::milliseconds_of(steps, [&](int step) {
    const auto epoch = static_cast<std::uint32_t>(step);
    augment(learner.place(), views, data.views, data.samples, 1, epoch, input.view());
    learner.draw(data.samples, 1, epoch);
    learner.step(input.view(), 1e-3);
  });
  benchmarks::report(name, threads, milliseconds);
}

}  // namespace

int main(int count, char** words) {
  const int steps = count > 1 ? std::atoi(words[1]) : 3;
  const std::size_t threads = count > 2 ? std::strtoull(words[2], nullptr, 10) : 2;
  const std::string name = "MAE step, ViT-Ti/4, 128 images";
  if (count > 3 && words[3] == std::string{"bf16"})
    time_steps<bf16>(name + ", bf16", steps, threads);
  else
    time_steps<fp32>(name, steps, threads);
}
