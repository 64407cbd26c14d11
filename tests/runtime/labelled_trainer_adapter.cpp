#include <doctest/doctest.h>

#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include <pretext/augment/presets.hpp>
#include <pretext/cpu.hpp>
#include <pretext/data/builtin.hpp>
#include <pretext/methods/supcon.hpp>
#include <pretext/runtime/labelled_trainer_adapter.hpp>

using namespace pretext;

namespace {

using images = shape<16, 16, 3>;
using method = supcon<images, resnet18<stem::cifar, 4>, moco_v2_head<8, 6>>;
using learner = trainer<method, on<cpu>, sgd>;

const auto views = two_views{augmentation{random_resized_crop{}, horizontal_flip{}}};

std::unique_ptr<any_trainer> made(std::vector<int> labels) {
  auto result =
      std::make_unique<labelled_trainer_adapter<learner, std::decay_t<decltype(views)>, augmentation<>>>(
          std::make_unique<learner>(method{}, sgd{}, 3), views, augmentation<>{});
  result->set_labels(std::move(labels));
  return result;
}

struct batch_of_six {
  std::vector<image> pictures = std::vector<image>(6);
  std::vector<image_view> of_pictures;
  std::vector<std::uint64_t> samples{3, 0, 4, 1, 5, 2};

  batch_of_six() {
    const builtin_source source{{.count = 6, .side = 16, .seed = 7}};
    for (std::size_t i = 0; i < 6; ++i) {
      source.read(samples[i], pictures[i]);
      of_pictures.push_back(pictures[i]);
    }
  }
  image_batch operator()() const {
    return {.epoch = 0, .images = of_pictures, .samples = samples, .seed = 1};
  }
};

}  // namespace

TEST_CASE("the loss gets the label of each sample of a batch") {
  const batch_of_six some;
  const std::vector<int> labels{0, 1, 0, 2, 2, 1};
  const double found = made(labels)->step(some(), {.learning_rate = 0.1});
  learner expected{method{}, sgd{}, 3};
  expected.memory().labels = buffer<std::int64_t, cpu>{6};
  for (std::size_t i = 0; i < 6; ++i) expected.memory().labels.data()[i] = labels[some.samples[i]];
  const auto batch = some();
  CHECK(found == expected.step(views, batch, {.learning_rate = 0.1}));
  CHECK(found != made({0, 0, 0, 2, 2, 1})->step(some(), {.learning_rate = 0.1}));
}

TEST_CASE("a batch with a sample that has no label is refused, and the images stay with the CPU") {
  const batch_of_six some;
  const std::vector<std::vector<int>> incomplete{{}, {0, 1, 0, 2, 2}, {0, 1, -1, 2, 2, 1}};
  for (const auto& labels : incomplete) {
    const auto trainer = made(labels);
    CHECK_THROWS_WITH_AS(trainer->step(some(), {.learning_rate = 0.1}), doctest::Contains("has no label"),
                         std::invalid_argument);
  }
  const any_source source{builtin_source{{.count = 6, .side = 16, .seed = 7}}};
  CHECK(made({})->upload_dataset(source, {}) ==
        "the method learns labels, which the CPU passes with every batch");
}
