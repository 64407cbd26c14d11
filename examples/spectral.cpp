// SimCLR on images of five channels of 16 bits: measures their levels and the mean and deviation of each
// channel, trains a thin ResNet-18, and compares the accuracy of kNN on its features with that of the
// untrained network and of raw pixels. Another number of channels is another `images` type, and nothing else.
//   spectral --train 1800 --test 480 --epochs 12
#include <algorithm>
#include <cstdio>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include <pretext/cpu.hpp>
#include <pretext/data/image_statistics.hpp>
#include <pretext/data/loader.hpp>
#include <pretext/data/sensor_images.hpp>
#include <pretext/evaluation/knn.hpp>
#include <pretext/runtime/any_trainer.hpp>

#include "support/command_line.hpp"
#include "support/exit_status.hpp"

namespace {

using namespace pretext;

using images = shape<32, 32, 5>;  // rows, columns, channels
using network = resnet18<stem::cifar, 16>;
// A head that starts as torch's layers do: N(0, 0.01), SimCLR's, is meant for LARS.
using head = simclr_head<channels_of<output_of<network, images>>, 128, affine::scale, torch_init>;
using method = simclr<images, network, head>;

/// Features of all images of a source, or their pixels as the network sees them, with their labels.
feature_table table_of(any_trainer& encoder, const any_source& source, std::size_t threads, bool pixels) {
  feature_table table{source.size(), pixels ? images::size : encoder.feature_width(), {}, {}};
  loader in_order{source, once_in_order(source.size(), threads)};
  for (std::size_t read = 0; read < source.size();) {
    const auto batch = in_order.next();
    if (pixels)
      encoder.evaluation_views(batch.images, table.values);
    else
      encoder.encode(batch.images, table.values);
    read += batch.images.size();
  }
  for (std::size_t i = 0; i < source.size(); ++i) table.labels.push_back(source.label(i));
  return table;
}

int run(std::size_t train_images, std::size_t test_images, std::size_t epochs, std::size_t threads) {
  any_source train = sensor_source{{.count = train_images, .channels = 5, .seed = 7}};
  any_source test =
      sensor_source{{.count = test_images, .channels = 5, .seed = 7, .first = std::uint64_t{1} << 32}};
  const auto [low, high] = percentiles_of(train, .1f, 99.9f);
  const sample_levels levels{level_rule::window, low, high};
  train = converted_source{train, 5, levels};
  test = converted_source{test, 5, levels};
  const auto found = statistics_of(train);
  basic_normalise<5> normalisation;
  std::copy_n(found.mean.begin(), 5, normalisation.mean.channel);
  std::copy_n(found.deviation.begin(), 5, normalisation.deviation.channel);
  std::printf("levels %g to %g\n", static_cast<double>(low), static_cast<double>(high));
  for (std::size_t c = 0; c < 5; ++c)
    std::printf("channel %zu: mean %.3f, deviation %.3f\n", c, static_cast<double>(found.mean[c]),
                static_cast<double>(found.deviation[c]));

  constexpr std::size_t batch = 100;
  const two_views views{augmentation{
      random_resized_crop<torchvision_crop_box>{.area = {.2f, 1}, .method = interpolation::bilinear},
      horizontal_flip{}, intensity_jitter<>{}, gaussian_noise{}, normalisation}};
  const auto learner = make_any_trainer(
      std::make_unique<trainer<method, on<cpu>, sgd>>(
          method{.loss = {.temperature = .2}}, sgd{.momentum = .9, .nesterov = true, .weight_decay = 1e-4}, 1,
          cpu::stream{threads}),
      views, augmentation{resized{}, normalisation});
  const cpu::stream stream{threads};
  const auto accuracy = [&](bool pixels) {
    return knn{}.accuracy(table_of(*learner, train, threads, pixels),
                          table_of(*learner, test, threads, pixels), stream);
  };
  const double raw = accuracy(true), untrained = accuracy(false);
  loader batches{train, {.batch = batch, .threads = threads}};
  const std::size_t steps = epochs * batches.batches_per_epoch();
  const cosine_schedule rate{.peak = .4,
                             .warmup = static_cast<double>(steps) / 20,
                             .length = static_cast<double>(steps),
                             .ramp = warm_up::after_start};
  double loss = 0;
  for (std::size_t step = 0; step < steps; ++step) {
    const auto next = batches.next();
    loss = learner->step(
        {.epoch = next.epoch, .images = next.images, .samples = next.samples, .seed = next.seed},
        {rate(static_cast<double>(step))});
  }
  std::printf("%zu steps, last loss %.3f; accuracy of kNN: trained %.4f, untrained %.4f, raw pixels %.4f\n",
              steps, loss, accuracy(false), untrained, raw);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::size_t train = 1800, test = 480, epochs = 12,
              threads = std::max(1u, std::thread::hardware_concurrency());
  programs::program_options line{"SimCLR on images of five channels of 16 bits."};
  line.add({"", &train, "--train", "", programs::between{100, 1000000}}, "images to learn from");
  line.add({"", &test, "--test", "", programs::between{1, 1000000}}, "images to evaluate on");
  line.add({"", &epochs, "--epochs", "", programs::between{0, 100000}}, "");
  line.add({"", &threads, "--threads", "", programs::between{1, 1024}}, "");
  if (const auto status = line.parse(argc, argv)) return *status;
  return programs::run_program("spectral", [&] { return run(train, test, epochs, threads); });
}
