// Times the parts of a step other than convolutions and matrix products one by one: augmentation, NT-Xent,
// optimizers, loading a folder of JPEG files. One JSON line per case; parts.py times the same cases in
// PyTorch.
//   parts [threads] [folder of 500x375 JPEG files]
//   parts [threads] growth                             only NT-Xent, from 512 to 65 536 rows
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>
#include <vector>

#include <pretext/cpu.hpp>
#include <pretext/data/loader.hpp>
#include <pretext/data/open.hpp>

#include "timing.hpp"

using namespace pretext;

namespace {

std::size_t threads = 2;

/// Prints the fastest and the median time of several runs. `units`: items that one run processes. `result`:
/// compared with PyTorch's by its fingerprint, unless empty.
template <class Work>
void time(const std::string& name, int runs, double units, const Work& work,
          std::span<const float> result = {}) {
  std::vector<double> milliseconds;
  for (int run = -1; run < runs; ++run) {
    const auto start = std::chrono::steady_clock::now();
    work(run);
    const std::chrono::duration<double, std::milli> elapsed = std::chrono::steady_clock::now() - start;
    if (run >= 0) milliseconds.push_back(elapsed.count());
  }
  std::sort(milliseconds.begin(), milliseconds.end());
  std::printf(
      "{\"side\": \"pretext\", \"case\": \"%s\", \"threads\": %zu, \"ms\": %.4f, \"fastest_ms\": %.4f, "
      "\"per_second\": %.0f",
      name.c_str(), threads, milliseconds[milliseconds.size() / 2], milliseconds.front(),
      1000 * units / milliseconds[milliseconds.size() / 2]);
  if (!result.empty()) {
    const benchmarks::fingerprint summary{result.data(), result.size()};
    std::printf(", \"probe\": %.9g, \"norm\": %.9g", summary.probe, summary.norm);
  }
  std::printf("}\n");
  std::fflush(stdout);
}

/// SimCLR's two views of 512 images of 32 x 32.
void augmentation_of_cifar() {
  constexpr std::size_t batch = 512;
  using images = shape<32, 32, 3>;
  std::vector<std::uint8_t> pixels(batch * images::size);
  for (std::size_t i = 0; i < pixels.size(); ++i)
    pixels[i] = static_cast<std::uint8_t>(random_key{.sample = i}.word(0) >> 24);
  std::vector<image_view> sources(batch);
  std::vector<std::uint64_t> samples(batch);
  for (std::size_t i = 0; i < batch; ++i) {
    sources[i] = {pixels.data() + i * images::size, 32, 32, 3};
    samples[i] = i;
  }
  on<cpu> context{.stream = cpu::stream{threads}};
  tensor<float, images, cpu> views{2 * batch};
  const two_views both{augmentation{
      random_resized_crop<torchvision_crop_box>{.method = interpolation::bilinear}, horizontal_flip{},
      torchvision_jitter{.brightness = .4f, .contrast = .4f, .saturation = .4f, .hue = .1f}, grayscale{}}};
  time("augment, two views of 512 images, 32 px", 20, 2 * batch, [&](int run) {
    augment(context, both, sources, samples, 1, static_cast<std::uint32_t>(run + 1), views.view());
  });
}

void contrastive_loss(std::size_t rows, int runs) {
  constexpr std::size_t width = 128;
  using embedding = shape<width>;
  on<cpu> context{.stream = cpu::stream{threads}};
  tensor<float, embedding, cpu> z{rows}, dz{rows};
  for (std::size_t i = 0; i < rows * width; ++i)
    z.view().data[i] = benchmarks::sequence_value(static_cast<std::uint32_t>(i), 1);
  const nt_xent loss{.temperature = 0.5};
  time("NT-Xent forward + backward, 2N = " + std::to_string(rows), runs, double(rows),
       [&](int) {
         cpu::clear(context.stream, dz.view().data, dz.view().size());
         loss(context, reads<on<cpu>, embedding>{z}, dz.view());
       },
       {dz.view().data, dz.view().size()});
}

/// One step over ResNet-50's parameters, optionally with the update of an exponential moving average.
template <class Optimizer>
void optimizer_step(const char* name, const Optimizer& optimizer, bool average) {
  using context_type = on<cpu>;
  static constexpr auto table = parameters_of<resnet50<>, shape<224, 224, 3>>;
  constexpr std::size_t size = parameter_count(table);
  context_type context{.stream = cpu::stream{threads}};
  typename Optimizer::template state_type<context_type> state{table};
  buffer<float, cpu> value{size}, gradient{size}, target{size};
  for (std::size_t i = 0; i < size; ++i) {
    value.data()[i] = float(i % 97) * 1e-3f - 0.04f;
    gradient.data()[i] = float(i % 89) * 1e-4f - 0.004f;
  }
  time(name, 10, 1, [&](int) {
    optimizer(context, std::span<const parameter>{table}, state, 1e-3, gradient.data(), value.data());
    if (average)
      kernels::elementwise<cpu>::lerp(context, size, 0.996f, static_cast<const float*>(value.data()),
                                      target.data());
  });
}

/// One epoch over a folder: decode, crop to 224, flip.
void folder_of_jpegs(const char* folder) {
  using images = shape<224, 224, 3>;
  constexpr std::size_t batch = 32;
  loader batches{open_source(folder, {}), {.batch = batch, .threads = threads, .cache_bytes = 0}};
  on<cpu> context{.stream = cpu::stream{threads}};
  tensor<float, images, cpu> views{batch};
  const augmentation crop{
      random_resized_crop<torchvision_crop_box>{.method = interpolation::bilinear_antialias},
      horizontal_flip{}, normalise{}};
  const std::size_t steps = batches.batches_per_epoch();
  time("folder of JPEG files 500x375 to crops of 224", 3, double(steps * batch), [&](int) {
    for (std::size_t step = 0; step < steps; ++step) {
      const auto images_of_step = batches.next();
      augment(context, crop, images_of_step.images, images_of_step.samples, 1, images_of_step.epoch,
              views.view());
    }
  });
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1) threads = std::strtoull(argv[1], nullptr, 10);
  if (argc > 2 && argv[2] == std::string{"growth"}) {
    for (std::size_t rows = 512; rows <= 65536; rows *= 2) contrastive_loss(rows, rows < 8192 ? 10 : 1);
    return 0;
  }
  augmentation_of_cifar();
  contrastive_loss(1024, 20);
  contrastive_loss(8192, 3);
  optimizer_step("LARS + EMA, ResNet-50", lars{}, true);
  optimizer_step("AdamW, ResNet-50", adamw{}, false);
  if (argc > 2) folder_of_jpegs(argv[2]);
}
