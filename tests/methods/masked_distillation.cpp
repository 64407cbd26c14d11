// Tests of masked_distillation.hpp, ibot.hpp and dinov2.hpp with encoders/masked/flagged_network.hpp,
// heads/token_heads.hpp and losses/token_losses.hpp.
#include "support/allocations.hpp"
#include "support/gradient_check.hpp"
#include "support/reference.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string_view>
#include <vector>

#include <pretext/kernels/cpu/for_each_row.hpp>
#include <pretext/kernels/cpu/optimize.hpp>
#include <pretext/kernels/cpu/parallel_for.hpp>
#include <pretext/methods/dino.hpp>
#include <pretext/methods/dinov2.hpp>
#include <pretext/methods/ibot.hpp>
#include <pretext/optimizers/sgd.hpp>
#include <pretext/training/check_method.hpp>
#include <pretext/training/trainer.hpp>

using namespace pretext;

namespace {

using images = shape<8, 8, 3>;
using two_sizes = multi_crop<crops<2, images>, crops<2, shape<4, 4, 3>>>;
struct with_registers : with_grid<dinov2_pretraining, images> {
  static constexpr std::size_t registers = 2;
};
using encoder_of_dino = vit<2, 16, 2, 2, with_grid<dino_pretraining, images>>;
using shared = ibot<two_sizes, encoder_of_dino, dino_head<7, 9, 6, weight_gain::learned>>;
using two_last_layers = ibot<images, encoder_of_dino, ibot_head<7, 5, 9, 6>>;
using two_heads = dinov2<two_sizes, vit<2, 16, 2, 2, with_registers>, dino_head<7, 9, 6>, dino_head<5, 9, 6>>;

constexpr std::size_t n = 4;

template <class Method, class Context = on<cpu, fp64>>
struct learner {
  using T = typename Context::activation;
  trainer<Method, Context, sgd> of;
  std::vector<T> pixels[2];
  std::vector<std::uint64_t> samples{11, 3, 5, 8};

  explicit learner(const Method& method = {}, std::size_t threads = 1)
      : of{method, {}, 3, cpu::stream{threads}} {
    for (std::size_t group = 0; group < 2; ++group) {
      const auto drawn = tests::normal_numbers(2 * n * images::size / (group == 0 ? 1 : 4), unsigned(group));
      pixels[group].assign(drawn.begin(), drawn.end());
    }
  }
  double step(std::uint32_t epoch, double momentum = 0.9) {
    const training_step values{
        .learning_rate = 0.1, .target_momentum = momentum, .samples = samples, .seed = 7, .epoch = epoch};
    const reads<Context, images> large{pixels[0].data(), 2 * n};
    if constexpr (std::same_as<typename Method::view_shapes, images>)
      return of.step(large, values);
    else
      return of.step({large, {pixels[1].data(), 2 * n}}, values);
  }
  std::vector<T> values() {
    const auto& m = of.memory();
    std::vector<T> all{m.value.data(), m.value.data() + Method::size};
    all.insert(all.end(), m.target_values.data(), m.target_values.data() + Method::target_size);
    return all;
  }
};

template <class Method>
std::size_t row_of(std::string_view name) {
  const auto found = std::ranges::find(Method::parameters, name, &parameter::name);
  REQUIRE(found != Method::parameters.end());
  return std::size_t(found - Method::parameters.begin());
}

}  // namespace

TEST_CASE("every gradient of iBOT and DINOv2, of the mask token too, matches finite differences") {
  const auto matches = [](const gradient_check_result& found) {
    CHECK_MESSAGE(found.error < 1e-5, found.text());
    CHECK(found.compared > 50);
  };
  const gradient_check_options how{.batch = 3, .weights = 6, .seed = 3};
  matches(check_method<shared>({}, how));
  matches(check_method<two_last_layers>({}, how));
  matches(check_method<two_heads>({}, how));
}

TEST_CASE("only the student has a mask token, the last of its parameters, which the loss moves") {
  static_assert(shared::target_size + 16 == shared::size);
  static_assert(shared::parameters.back().name() == "backbone.mask_token");
  static_assert(shared::parameters.back().depth == 0);
  learner<shared> one;
  one.step(0, 0);  // momentum 0: the target becomes the student
  const auto& m = one.of.memory();
  CHECK(std::equal(m.target_values.data(), m.target_values.data() + shared::target_size, m.value.data()));
  const double* const token = m.value.data() + shared::trunk_size;
  CHECK(std::all_of(token, token + 16, [](double value) { return value != 0; }));
  const double* const slope = m.gradient.data() + shared::trunk_size;
  CHECK(std::any_of(slope, slope + 16, [](double value) { return std::abs(value) > 1e-6; }));
}

TEST_CASE("without masks iBOT's class tokens learn what DINO's do") {
  using head = dino_head<7, 9, 6, weight_gain::learned>;
  using plain = dino<two_sizes, encoder_of_dino, head>;
  static_assert(plain::size + 16 == shared::size);
  shared unmasked;
  unmasked.masking.probability = 0;
  learner<shared> found{unmasked};
  learner<plain> expected;
  for (std::uint32_t k = 0; k < 3; ++k)
    CHECK(found.step(k) == doctest::Approx(expected.step(k)).epsilon(1e-12));
  const auto ours = found.values(), theirs = expected.values();
  CHECK(tests::relative_difference(std::vector<double>(ours.begin(), ours.begin() + plain::size),
                                   std::vector<double>(theirs.begin(), theirs.begin() + plain::size)) <
        1e-12);
  learner<shared> masked;
  CHECK(masked.step(0) != doctest::Approx(learner<plain>{}.step(0)).epsilon(1e-3));
}

TEST_CASE("the pixels of masked patches reach the teacher alone") {
  using method = ibot<images, encoder_of_dino, dino_head<7, 9, 6>>;
  learner<method> whole, painted;
  const double loss = whole.step(0);
  const auto flags = whole.of.memory().masked;
  std::vector<std::uint8_t> masked(flags.masked, flags.masked + flags.batch * method::grid::patches);
  REQUIRE(std::ranges::count(masked, 1) > 5);
  std::vector<double> before(whole.of.memory().h.data, whole.of.memory().h.data + 2 * n * 16);
  for (std::size_t i = 0; i < painted.pixels[0].size(); ++i) {
    const std::size_t image = i / images::size, row = i % images::size / 24, column = i % 24 / 3;
    if (masked[image * 16 + row / 2 * 4 + column / 2]) painted.pixels[0][i] += 1;
  }
  CHECK(painted.step(0) != loss);
  CHECK(std::equal(before.begin(), before.end(), painted.of.memory().h.data));
}

TEST_CASE("heads have the official paths: shared ones a last layer in group 1, separate ones are modules") {
  CHECK(shared::parameters[row_of<shared>("projection_head.last_layer.weight_v")].group == 1);
  for (const char* last : {"projection_head.last_layer.weight_v", "projection_head.last_layer2.weight_v"})
    CHECK(two_last_layers::parameters[row_of<two_last_layers>(last)].group == 1);
  for (const char* last : {"dino_head.last_layer.weight_v", "ibot_head.last_layer.weight_v"})
    CHECK(two_heads::parameters[row_of<two_heads>(last)].group == 1);
  CHECK(two_heads::parameters[row_of<two_heads>("ibot_head.last_layer.weight_v")].extents[0] == 5);
  CHECK(two_heads::parameters[row_of<two_heads>("backbone.patch_embed.proj.weight")].lr_multiplier == 0.2);
}

TEST_CASE("the losses of DINOv2 schedule both temperatures and use Sinkhorn's algorithm") {
  static_assert(two_heads::loss_type::scheduled.size() == 2);
  static_assert(two_heads::loss_type::scheduled[1] == "teacher_patch_temperature");
  const two_heads method;
  CHECK(method.loss.views.centering == teacher_centering::sinkhorn);
  CHECK(method.loss.patches.centering == teacher_centering::sinkhorn);
  CHECK(method.loss.features.weight == 0.1);
  two_heads wrong;
  wrong.loss.patches.student_temperature = -1;
  CHECK_THROWS_AS(wrong.check(), std::invalid_argument);
  CHECK(!(wrong == method));
}

TEST_CASE("steps of iBOT and DINOv2 allocate nothing after the first one") {
  const auto allocates_nothing = []<class Method>(learner<Method> one) {
    one.step(0);
    one.step(1);
    const auto before = tests::allocations.load();
    one.step(2);
    CHECK(tests::allocations.load() == before);
  };
  allocates_nothing(learner<shared>{});
  allocates_nothing(learner<two_heads>{});
}

TEST_CASE("a step without samples and a wrong number of rows are refused in a sentence") {
  learner<shared> one;
  one.samples.clear();
  CHECK_THROWS_WITH_AS(one.step(0), doctest::Contains("blockwise_masking draws a mask for every sample"),
                       std::invalid_argument);
  const auto step_few = [&] {
    one.of.step({{one.pixels[0].data(), 2 * n}, {one.pixels[1].data(), n}}, {.learning_rate = 0.1});
  };
  CHECK_THROWS_WITH_AS(step_few(),
                       doctest::Contains("masked_distillation: 4 rows are not 2 views of each of 4 images"),
                       std::invalid_argument);
}
