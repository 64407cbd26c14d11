#include <doctest/doctest.h>

#include <set>
#include <stdexcept>

#include <pretext/cpu.hpp>

#include "cuda/queued_steps.hpp"

using namespace pretext;
using namespace pretext::tests;

namespace {

using context = on<cpu>;
using views = decltype(two_views{crop_and_flip()});
using batches = device_batches<context, small_images, views>;

device_dataset<cpu> unlabelled() {
  std::vector<std::uint8_t> pixels(6 * small_images::size, 7);
  return device_dataset<cpu>{memory_source{std::move(pixels), 8, 8}};
}

}  // namespace

TEST_CASE("a device's batch has the samples of a loader's, epoch after epoch") {
  const device_dataset<cpu> images{small_image_set()};
  trainer<small_simclr, context, sgd> learner;
  step_queue queue{learner, batches{images, views{crop_and_flip()}, {.batch = 3, .seed = 11}}};
  loader expected{small_image_set(), {.batch = 3, .seed = 11}};
  const step_values rates[]{{0.01}};
  for (int step = 0; step < 13; ++step) {  // epochs of four batches
    queue.run(rates);
    const auto batch = expected.next();
    const std::uint64_t* const samples = queue.batches().samples();
    CHECK(std::vector(samples, samples + 3) ==
          std::vector<std::uint64_t>(batch.samples.begin(), batch.samples.end()));
  }
}

TEST_CASE("a device's shard of a batch has the samples of a loader's, and the same views") {
  const device_dataset<cpu> images{small_image_set()};
  for (const std::size_t shard : {0u, 1u, 2u}) {
    CAPTURE(shard);
    trainer<small_simclr, context, sgd> learner, of_loader;
    step_queue queue{
        learner,
        batches{images, views{crop_and_flip()}, {.batch = 6, .seed = 11, .shard = shard, .shards = 3}}};
    loader expected{small_image_set(), {.batch = 6, .seed = 11, .shard = shard, .shards = 3}};
    for (int step = 0; step < 5; ++step) {  // epochs of two batches
      const step_values rates{0.01};
      const double loss = queue.run({&rates, 1}).front();
      const auto batch = expected.next();
      const std::uint64_t* const samples = queue.batches().samples();
      CHECK(std::vector(samples, samples + 2) ==
            std::vector<std::uint64_t>(batch.samples.begin(), batch.samples.end()));
      CHECK(of_loader.step(views{crop_and_flip()}, batch, rates) == loss);
    }
  }
  CHECK_THROWS_WITH_AS((batches{images, views{crop_and_flip()}, {.batch = 4, .shards = 3}}),
                       doctest::Contains("a batch of 4 images cannot be cut into 3 shards"),
                       std::invalid_argument);
}

TEST_CASE("device batches without shuffling are in the order of the data set") {
  const device_dataset<cpu> images{small_image_set()};
  trainer<small_simclr, context, sgd> learner;
  step_queue queue{learner, batches{images, views{crop_and_flip()}, {.batch = 4, .shuffle = false}}};
  const step_values rates[]{{0.01}, {0.01}};
  queue.run(rates);
  CHECK(queue.batches().samples()[0] == 4);
  CHECK(queue.batches().samples()[3] == 7);
}

TEST_CASE("a batch larger than the data set, or without the labels that it needs, is refused in a sentence") {
  const device_dataset<cpu> images{small_image_set()}, no_labels = unlabelled();
  CHECK_THROWS_WITH_AS((batches{images, views{crop_and_flip()}, {.batch = 14}}),
                       doctest::Contains("14 images cannot be made of 13"), std::invalid_argument);
  const auto refused = [&](const device_dataset<cpu>& from, std::size_t classes, const char* words) {
    const auto one = crop_and_flip();
    using of_one = device_batches<context, small_images, std::remove_const_t<decltype(one)>>;
    trainer<small_classifier, context, sgd> learner{{.loss = {.classes = classes}}};
    step_queue queue{learner, of_one{from, one, {.batch = 2}}};
    const step_values rates[]{{0.01}};
    CHECK_THROWS_WITH_AS(queue.enqueue(rates), doctest::Contains(words), std::invalid_argument);
  };
  refused(no_labels, 0, "a label below that for every image");
  refused(images, 3, "the images have 4 classes");
}
