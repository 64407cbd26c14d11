// Times whole steps of MAE: crops and flips of uint8 images, the ViT on a quarter of the patches, the decoder
// on all, the loss of the masked ones, backward, AdamW.
//   step.mae [vit-ti|vit-b] [steps] [threads] [fp32|bf16] [images]
#include <cstdio>
#include <cstdlib>
#include <string>

#include <pretext/cpu.hpp>

#include "timing.hpp"

using namespace pretext;

namespace {

/// Multiply-adds of the forward pass of one image: a quarter of the patches in the encoder, all in the
/// decoder.
template <class Method>
constexpr double macs_of() {
  using tokens = typename Method::tokens;
  constexpr double visible = double(tokens::extents[0] - 1) / double(Method::grid::patches);
  return visible * double(macs<typename Method::encoder::embedding, typename Method::images>) +
         double(macs<typename Method::encoder::blocks, tokens>) +
         double(Method::decoder::template macs<tokens, typename Method::mask>());
}

template <class Method, class Numerics>
void time_steps(const std::string& name, std::size_t batch, int steps, std::size_t threads) {
  using method = Method;
  trainer<method, on<cpu, Numerics>, adamw> learner{method{}, adamw{.weight_decay = .05}, 1,
                                                    cpu::stream{threads}};
  const benchmarks::random_images<method::images::extents[0]> data{batch};
  const auto views = mae_augmentation();
  tensor<float, typename method::images, cpu> input{batch};
  const auto milliseconds = benchmarks::milliseconds_of(steps, [&](int step) {
    const auto epoch = static_cast<std::uint32_t>(step);
    augment(learner.context(), views, data.views, data.samples, 1, epoch, input.view());
    learner.step(input.view(), {.learning_rate = 1e-3, .samples = data.samples, .epoch = epoch});
  });
  benchmarks::report(name, threads, milliseconds, double(batch) * macs_of<Method>());
}

template <class Method>
void time_steps(const std::string& encoder, std::size_t batch, int steps, std::size_t threads, bool in_bf16) {
  const std::string name = "MAE step, " + encoder + ", " + std::to_string(Method::images::extents[0]) +
                           " px, " + std::to_string(batch) + " images";
  if (in_bf16)
    time_steps<Method, bf16>(name + ", bf16", batch, steps, threads);
  else
    time_steps<Method, fp32>(name, batch, steps, threads);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string encoder = argc > 1 ? argv[1] : "vit-ti";
  const int steps = argc > 2 ? std::atoi(argv[2]) : 3;
  const std::size_t threads = argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 2;
  const bool in_bf16 = argc > 4 && argv[4] == std::string{"bf16"};
  const std::size_t given = argc > 5 ? std::strtoull(argv[5], nullptr, 10) : 0;
  if (encoder == "vit-ti")
    time_steps<mae_vit_tiny_4>("ViT-Ti/4", given ? given : 256, steps, threads, in_bf16);
  else if (encoder == "vit-b")
    time_steps<mae_vit_base_16>("ViT-B/16", given ? given : 8, steps, threads, in_bf16);
  else {
    std::fprintf(stderr, "unknown encoder %s; choose vit-ti or vit-b\n", encoder.c_str());
    return 2;
  }
}
