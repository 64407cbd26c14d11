#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include <pretext/augment/augmentation.hpp>
#include <pretext/augment/crop.hpp>
#include <pretext/augment/views.hpp>
#include <pretext/core/view_groups.hpp>
#include <pretext/heads/projection.hpp>
#include <pretext/kernels/cpu/augment.hpp>
#include <pretext/kernels/cpu/for_each_row.hpp>
#include <pretext/kernels/cpu/optimize.hpp>
#include <pretext/losses/negative_cosine.hpp>
#include <pretext/methods/joint_embedding.hpp>
#include <pretext/optimizers/sgd.hpp>
#include <pretext/training/check_method.hpp>
#include <pretext/training/trainer.hpp>

#include "support/gradient_check.hpp"
#include "support/thin_trunk.hpp"

// Methods whose views have several shapes.
using namespace pretext;

namespace {

using global = shape<8, 8, 3>;
using local = shape<4, 4, 3>;
using two_sizes = multi_crop<crops<2, global>, crops<3, local>>;
using trunk = tests::thin_trunk<basic_block, 4>;
template <class... Policies>
using method_of = joint_embedding<two_sizes, encoder<trunk>, projector<byol_head<9, 5>>, Policies...>;
using with_target = method_of<predictor<byol_head<7, 5>>, target<ema>, loss<negative_cosine>>;

struct batch_of_two {
  std::vector<std::uint8_t> pixels = std::vector<std::uint8_t>(2 * 12 * 10 * 3);
  std::vector<image_view> images;
  std::vector<std::uint64_t> samples{7, 9};
  std::uint64_t seed = 5;
  std::uint32_t epoch = 2;

  batch_of_two() {
    for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = std::uint8_t(i * 37 % 251);
    images = {{pixels.data(), 12, 10, 3}, {pixels.data() + 360, 12, 10, 3}};
  }
};

}  // namespace

TEST_CASE("a target sees the global views alone, and the heads get the views of all sizes") {
  static_assert(with_target::views == 5 && with_target::embedded_views == 5);
  trainer<with_target, on<cpu, fp64>, sgd> learner{{}, {}, 3};
  const auto pixels = tests::normal_numbers(6 * 3 * global::size, 3);
  using views = stacked_views<on<cpu, fp64>, two_sizes>;
  CHECK(learner.step(views{{pixels.data(), 6}, {pixels.data(), 9}}, {.learning_rate = 0.1}) < 1);
  CHECK(learner.memory().z.batch == 15);
  CHECK_THROWS_WITH_AS(learner.step(views{{pixels.data(), 6}, {pixels.data(), 8}}, {.learning_rate = 0.1}),
                       doctest::Contains("8 rows are not 3 views of each of 3 images"),
                       std::invalid_argument);
}

TEST_CASE("gradients of views of several sizes add up in one set of weights: finite differences") {
  const auto found = check_method<with_target>({}, {.batch = 4, .seed = 3});
  CHECK_MESSAGE(found.error < 1e-5, found.text());
  CHECK(found.compared > 50);
}

TEST_CASE("every view of a multi_crop draws random numbers of its own") {
  const augmentation crop{random_resized_crop{}};
  const batch_of_two batch;
  on<cpu> context{.stream = cpu::stream{2}};
  std::vector<float> large(2 * 2 * global::size), small(3 * 2 * global::size), plain(5 * 2 * global::size);
  augment(context, multi_crop_views{two_views{crop}, repeat_view<3>(crop)}, batch.images, batch.samples,
          batch.seed, batch.epoch,
          grouped_views{writes<on<cpu>, global>{large.data(), 4}, writes<on<cpu>, global>{small.data(), 6}});
  augment(context, repeat_view<5>(crop), batch.images, batch.samples, batch.seed, batch.epoch,
          writes<on<cpu>, global>{plain.data(), 10});
  CHECK(std::equal(large.begin(), large.end(), plain.begin()));
  CHECK(std::equal(small.begin(), small.end(), plain.begin() + std::ptrdiff_t(large.size())));
  CHECK(std::vector<float>(small.begin(), small.begin() + 2 * global::size) !=
        std::vector<float>(large.begin(), large.begin() + 2 * global::size));
}

TEST_CASE("a trainer makes the views of all sizes from images") {
  const augmentation crop{random_resized_crop{}};
  const batch_of_two batch;
  const multi_crop_views views{two_views{crop}, repeat_view<3>(crop)};
  trainer<with_target, on<cpu>, sgd> learner{{}, {}, 3}, other{{}, {}, 3};
  const double loss = learner.step(views, batch, {.learning_rate = 0.1});
  std::vector<float> large(4 * global::size), small(6 * local::size);
  augment(other.context(), views, batch.images, batch.samples, batch.seed, batch.epoch,
          grouped_views{writes<on<cpu>, global>{large.data(), 4}, writes<on<cpu>, local>{small.data(), 6}});
  CHECK(loss == other.step({{large.data(), 4}, {small.data(), 6}}, {.learning_rate = 0.1}));
}
