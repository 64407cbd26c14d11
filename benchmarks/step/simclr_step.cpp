// One SimCLR step (two views augmented from uint8 images, forward, NT-Xent, backward, SGD) timed from inside.
//   simclr_step [steps] [threads]      prints one JSON line: images/s is counted in images, two views each
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <pretext/cpu.hpp>
#include <pretext/data/image.hpp>

using namespace pretext;

int main(int count, char** words) {
  const int steps = count > 1 ? std::atoi(words[1]) : 5;
  const std::size_t threads = count > 2 ? std::strtoull(words[2], nullptr, 10) : 2;
  constexpr std::size_t batch = 256;
  using images = shape<32, 32, 3>;
  using method = simclr<images, resnet18<stem::cifar>>;
  trainer<method, on<cpu>, sgd> learner{method{.compare = {.temperature = 0.5f}}, sgd{}, 1,
                                        cpu::stream{threads}};

  std::vector<std::uint8_t> pixels(batch * images::size);
  for (std::size_t i = 0; i < pixels.size(); ++i)
    pixels[i] = static_cast<std::uint8_t>(random_key{.sample = i}.word(0) >> 24);
  std::vector<image_view> views(batch);
  std::vector<std::uint64_t> samples(batch);
  for (std::size_t i = 0; i < batch; ++i) {
    views[i] = {pixels.data() + i * images::size, 32, 32, 3};
    samples[i] = i;
  }
  tensor<float, images, cpu> input{2 * batch};
  std::vector<double> seconds;
  double loss = 0;
  for (int step = -1; step < steps; ++step) {
    const auto start = std::chrono::steady_clock::now();
    augment(learner.place(), two_views{simclr_cifar()}, views, samples, 1,
            static_cast<std::uint32_t>(step + 1), input.view());
    loss = learner.step(input.view(), 0.05);
    if (step >= 0)
      seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  std::sort(seconds.begin(), seconds.end());
  const double median = seconds[seconds.size() / 2];
  std::printf(
      "{\"library\": \"pretext\", \"encoder\": \"resnet18-cifar\", \"batch\": %zu, \"threads\": %zu, "
      "\"steps\": %d, "
      "\"median_s\": %.4f, \"fastest_s\": %.4f, \"images_per_s\": %.1f, \"activation_mb\": %.0f, \"loss\": "
      "%.4f}\n",
      batch, threads, steps, median, seconds.front(), double(batch) / median,
      double(learner.place().kept.peak() + learner.place().scratch.peak()) / 1e6, loss);
}
