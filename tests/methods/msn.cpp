// Tests of msn.hpp with what it needs of joint_embedding.hpp: methods/detail/view_network.hpp and
// global_encoder.hpp, encoders/masked/masked_feature.hpp.
#include "support/allocations.hpp"
#include "support/gradient_check.hpp"
#include "support/reference.hpp"

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <ratio>
#include <vector>

#include <pretext/kernels/cpu/for_each_row.hpp>
#include <pretext/kernels/cpu/masking.hpp>
#include <pretext/kernels/cpu/optimize.hpp>
#include <pretext/kernels/cpu/parallel_for.hpp>
#include <pretext/kernels/cpu/shuffled_tokens.hpp>
#include <pretext/methods/msn.hpp>
#include <pretext/optimizers/sgd.hpp>
#include <pretext/training/check_method.hpp>
#include <pretext/training/trainer.hpp>

using namespace pretext;

namespace {

using images = shape<8, 8, 3>;
using two_sizes = multi_crop<crops<2, images>, crops<3, shape<4, 4, 3>>>;
struct recipe : msn_pretraining {
  using grid = images;
};
using encoder_of_msn = vit<2, 16, 2, 2, recipe>;
using head = dino_bottleneck<9, 6, hidden_norm::batch>;
using quarter = random_masking<std::ratio<1, 4>>;
using focal = msn<two_sizes, encoder_of_msn, 7, head, quarter>;
using plain = msn<images, encoder_of_msn, 7, head, quarter>;

/// The same without gradients of the prototypes, which would change the targets, too, in differences.
template <class Method>
struct frozen_prototypes : Method {
  static double lr_multiplier(const parameter& p) { return p.name().starts_with("prediction_head") ? 0 : 1; }
};

constexpr std::size_t n = 4;

template <class Method>
struct learner {
  using context = on<cpu, fp64>;
  trainer<Method, context, sgd> of{Method{}, {}, 3};
  std::vector<double> pixels[2] = {tests::normal_numbers(2 * n * images::size, 1),
                                   tests::normal_numbers(3 * n * 4 * 4 * 3, 2)};
  std::vector<std::uint64_t> samples{11, 3, 5, 8};

  double step() {
    const training_step values{
        .learning_rate = 0.1, .target_momentum = 0.9, .samples = samples, .seed = 7, .epoch = 0};
    const reads<context, images> large{pixels[0].data(), 2 * n};
    if constexpr (std::same_as<Method, plain>)
      return of.step(large, values);
    else
      return of.step({large, {pixels[1].data(), 3 * n}}, values);
  }
  std::vector<double> embeddings() {
    const auto z = of.memory().z;
    return {z.data, z.data + z.size()};
  }
  /// Adds to the pixels of the masked patches of the first global view.
  void paint_masked_patches() {
    const auto masked = of.memory().view_cache.masked.masked_patches();
    for (std::size_t image = 0; image < n; ++image)
      for (std::size_t i = 0; i < masked.count; ++i) {
        const std::size_t patch = masked.position(image, i);
        double* const at = pixels[0].data() + image * images::size;
        for (std::size_t row = 0; row < 2; ++row)
          for (std::size_t x = 0; x < 6; ++x) at[(patch / 4 * 2 + row) * 24 + patch % 4 * 6 + x] += 1;
      }
  }
};

}  // namespace

TEST_CASE("every gradient of MSN matches finite differences; targets have none, for prototypes either") {
  const auto matches = []<class Method>(const Method& method) {
    const auto found = check_method(method, {.batch = 4, .weights = 3, .seed = 3});
    CHECK_MESSAGE(found.error < 1e-5, found.text());
    CHECK(found.compared > 50);
  };
  matches(frozen_prototypes<focal>{});
  matches(frozen_prototypes<plain>{});
  matches(frozen_prototypes<focal>{{.loss = {.temperature = 0.3, .sharpening = 0.5, .iterations = 3}}});
  matches(focal{.loss = {.sharpening = 1e9}});  // targets that do not depend on the prototypes
  matches(plain{.loss = {.sharpening = 1e9, .spread = 2}});
}

TEST_CASE("the anchors are one masked global view and the focal views, the target is the other global view") {
  static_assert(focal::views == 5 && focal::embedded_views == 4 && plain::embedded_views == 1);
  learner<focal> one, other_target, other_anchor, other_focal;
  const double loss = one.step();
  CHECK(one.of.memory().z.batch == 4 * n);
  for (std::size_t i = 0; i < n * images::size; ++i) {
    other_anchor.pixels[0][i] += 1;
    other_target.pixels[0][n * images::size + i] += 1;
  }
  for (double& pixel : other_focal.pixels[1]) pixel += 1;
  for (auto* const other : {&other_target, &other_anchor, &other_focal}) CHECK(other->step() != loss);
  CHECK(other_target.embeddings() == one.embeddings());
  const std::vector<double> expected = one.embeddings(), with_anchor = other_anchor.embeddings(),
                            with_focal = other_focal.embeddings();
  const auto focal_views = std::ptrdiff_t(n * 6);
  CHECK(std::equal(expected.begin() + focal_views, expected.end(), with_anchor.begin() + focal_views));
  CHECK(std::equal(expected.begin(), expected.begin() + focal_views, with_focal.begin()));
}

TEST_CASE("the pixels of an anchor's masked patches reach neither network, those of the target all do") {
  learner<focal> whole, painted;
  const double loss = whole.step();
  painted.step();  // draws the masks
  CHECK(painted.of.memory().view_cache.masked.masked_patches().count == 4);
  learner<focal> again;
  again.of.memory().view_cache.masked = painted.of.memory().view_cache.masked;
  again.paint_masked_patches();
  CHECK(again.step() == loss);
  const std::size_t patches = 16;
  for (std::size_t patch = 0; patch < patches; ++patch) {
    learner<focal> other;
    other.pixels[0][(n + 1) * images::size + patch / 4 * 2 * 24 + patch % 4 * 6] += 1;
    CHECK(other.step() != loss);
  }
}

TEST_CASE("the head normalises the views of one size together, and each size by itself") {
  learner<focal> both;
  learner<plain> global;
  both.step();
  global.step();
  const auto found = both.embeddings(), expected = global.embeddings();
  CHECK(tests::relative_difference(
            std::vector<double>(found.begin(), found.begin() + std::ptrdiff_t(expected.size())), expected) <
        1e-14);
}

TEST_CASE("the loss is that of cosines with the prototypes, which the target's embeddings share") {
  learner<plain> one;
  const auto weights = [&] {
    const auto& m = one.of.memory();
    return std::vector<double>(m.value.data() + plain::trunk_size, m.value.data() + plain::size);
  }();
  const double loss = one.step();
  const auto z = one.embeddings();
  learner<plain> other;
  // The target starts as the online network: without a masked patch it embeds what the anchor would.
  std::copy_n(other.pixels[0].begin() + std::ptrdiff_t(n * images::size), n * images::size,
              other.pixels[0].begin());
  using whole = joint_embedding<images, encoder<encoder_of_msn>, projector<head>, predictor<plain::predictor>,
                                target<ema>, compares<one_way>, pretext::loss<msn_loss>>;
  trainer<whole, on<cpu, fp64>, sgd> unmasked{whole{}, {}, 3};
  unmasked.step({other.pixels[0].data(), 2 * n}, {.learning_rate = 0.1, .target_momentum = 0.9});
  const double* const target = unmasked.memory().z.data;
  const auto softmax_of = [&](const double* rows, std::size_t row, double temperature) {
    std::vector<double> p(7);
    double sum = 0;
    for (std::size_t c = 0; c < 7; ++c) {
      double dot = 0, length = 0;
      for (std::size_t d = 0; d < 6; ++d) {
        dot += weights[7 + c * 6 + d] * rows[row * 6 + d];
        length += weights[7 + c * 6 + d] * weights[7 + c * 6 + d];
      }
      sum += p[c] = std::exp(dot / std::sqrt(length) / temperature);
    }
    for (double& value : p) value /= sum;
    return p;
  };
  double expected = std::log(7);
  std::vector<double> mean(7);
  for (std::size_t row = 0; row < n; ++row) {
    const auto p = softmax_of(z.data(), row, 0.1), wanted = softmax_of(target, row, 0.1 * 0.25);
    for (std::size_t c = 0; c < 7; ++c) {
      expected -= wanted[c] * std::log(p[c]) / double(n);
      mean[c] += p[c] / double(n);
    }
  }
  for (const double p : mean) expected += p * std::log(p);
  CHECK(loss == doctest::Approx(expected).epsilon(1e-12));
}

TEST_CASE("prototypes have no weight decay and no lengths that learn") {
  const auto& table = focal::parameters;
  const auto rows = std::ranges::find(table, "prediction_head.weight_v", &parameter::name);
  REQUIRE(rows != table.end());
  CHECK(rows->weight_decay == parameter_decay::no);
  CHECK(rows->role == parameter_role::trainable);
  CHECK(std::ranges::find(table, "prediction_head.weight_g", &parameter::name)->role ==
        parameter_role::constant);
  CHECK(focal::target_size + 7 + 7 * 6 == focal::size);
}

TEST_CASE("steps of MSN allocate nothing after the first one") {
  learner<focal> one;
  one.step();
  one.step();
  const auto before = tests::allocations.load();
  one.step();
  CHECK(tests::allocations.load() == before);
}

TEST_CASE("a step of MSN without samples is refused in a sentence") {
  learner<focal> one;
  one.samples.clear();
  CHECK_THROWS_WITH_AS(one.step(), doctest::Contains("random_masking draws a mask for every sample"),
                       std::invalid_argument);
}
