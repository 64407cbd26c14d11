// The checks of gradients find what is wrong. Tests losses/check_loss.hpp and training/check_method.hpp, too.
#include <pretext/layers/check_gradient.hpp>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <pretext/heads/linear_classifier.hpp>
#include <pretext/kernels/cpu/cosine_regression.hpp>
#include <pretext/kernels/cpu/cross_entropy.hpp>
#include <pretext/kernels/cpu/elementwise.hpp>
#include <pretext/kernels/cpu/linear.hpp>
#include <pretext/kernels/cpu/nt_xent.hpp>
#include <pretext/kernels/cpu/pooling.hpp>
#include <pretext/layers/linear.hpp>
#include <pretext/layers/pooling.hpp>
#include <pretext/losses/check_loss.hpp>
#include <pretext/losses/cosine_regression.hpp>
#include <pretext/losses/nt_xent.hpp>
#include <pretext/methods/classification.hpp>
#include <pretext/methods/joint_embedding.hpp>
#include <pretext/training/check_method.hpp>

using namespace pretext;

namespace {

enum class fault { none, factor, overwrites_weights, adds_to_input, leaves_output, is_nan, skips_weights };

/// y = w·x with one learned factor, and a mistake.
template <fault Fault>
struct scaled {
  template <Shape In>
  using output = In;
  template <Shape In>
  static consteval auto parameters() {
    return pretext::parameters<1>{parameter{"factor", {1}, initialiser::constant(1)}};
  }
  template <Shape In, class Context>
  struct cache {
    reads<Context, In> x;
  };
  template <class Context, Shape In>
  static void forward(Context& context, weights<Context> w, reads<Context, In> x, writes<Context, In> y,
                      cache<In, Context>& cache) {
    infer(context, w, x, y);
    cache.x = x;
  }
  template <class Context, Shape In>
  static void backward(Context&, weights<Context> w, cache<In, Context>& cache, reads<Context, In> dy,
                       writes<Context, In> dx) {
    if (!dx.data && Fault == fault::skips_weights) return;
    double sum = 0;
    for (std::size_t i = 0; i < dy.size(); ++i) sum += cache.x.data[i] * dy.data[i];
    if (Fault == fault::factor) sum *= 1.001;
    if (Fault == fault::is_nan) sum = std::numeric_limits<double>::quiet_NaN();
    w.gradient[0] = (Fault == fault::overwrites_weights ? 0 : w.gradient[0]) + sum;
    if (!dx.data) return;
    for (std::size_t i = 0; i < dy.size(); ++i)
      dx.data[i] = (Fault == fault::adds_to_input ? dx.data[i] : 0) + w.value[0] * dy.data[i];
  }
  template <class Context, Shape In>
  static void infer(Context&, weights<Context> w, reads<Context, In> x, writes<Context, In> y) {
    for (std::size_t i = 0; i < x.size(); ++i)
      y.data[i] = (Fault == fault::leaves_output ? y.data[i] : 0) + w.value[0] * x.data[i];
  }
};

/// The mean square of all values, and a mistake.
struct mean_square {
  double mistake = 1;
  bool overwrites = false;

  friend bool operator==(const mean_square&, const mean_square&) = default;

  template <class Context, Shape S>
  typename Context::loss_value operator()(Context&, reads<Context, S> z, writes<Context, S> dz) const {
    using T = typename Context::activation;
    double sum = 0;
    for (std::size_t i = 0; i < z.size(); ++i) {
      const auto value = static_cast<double>(z.data[i]);
      sum += value * value;
      if (overwrites) dz.data[i] = T{0};
      dz.data[i] += static_cast<T>(2 * mistake * value / static_cast<double>(z.size()));
    }
    return sum / static_cast<double>(z.size());
  }
};

using images = shape<4, 4, 3>;
template <fault Fault>
using network = sequential<global_average_pool, named<"fc", linear<6>>, named<"scaled", scaled<Fault>>>;
template <fault Fault>
using method = joint_embedding<images, encoder<network<Fault>>, projector<linear<5>>, loss<nt_xent>>;

template <fault Fault>
gradient_check_result checked() {
  return check_layer<scaled<Fault>, shape<3>>();
}

}  // namespace

TEST_CASE("the check of a layer accepts right gradients and reports each mistake and its place") {
  const auto right = checked<fault::none>();
  CHECK(right.error < 1e-8);
  CHECK(right.compared == 4 * 3 + 1);
  for (const auto& wrong : {checked<fault::factor>(), checked<fault::overwrites_weights>()}) {
    CHECK(wrong.error > 1e-4);
    CHECK(wrong.where == "factor[0]");
    CHECK(wrong.text().find("the one of factor[0] is the farthest") != std::string::npos);
  }
  CHECK(checked<fault::factor>().error < 1e-2);
  CHECK(checked<fault::adds_to_input>().where == "the input[0]");
  CHECK(checked<fault::leaves_output>().error > 1e-2);
  CHECK(std::isinf(checked<fault::is_nan>().error));
  const auto skipped = checked<fault::skips_weights>();
  CHECK(std::isinf(skipped.error));
  CHECK(skipped.where == "factor without a gradient of the input[0]");
}

TEST_CASE("a check that has compared nothing has not succeeded") {
  CHECK(std::isinf(gradient_check_result{}.error));
  CHECK(gradient_check_result{}.text() == "no gradient was compared");
  std::vector<double> none;
  CHECK(std::isinf(check_gradient(none, none, [] { return 0.0; }).error));
}

TEST_CASE("the check of a loss finds wrong gradients and gradients that are not added") {
  CHECK(check_loss<7>(mean_square{}).error < 1e-8);
  CHECK(check_loss<7>(mean_square{.mistake = 1.01}).error > 1e-4);
  CHECK(check_loss<7>(mean_square{.overwrites = true}).error > 1e-2);
  CHECK(check_loss<7>(nt_xent{.temperature = .5}, {.batch = 6}).error < 1e-7);
  CHECK(check_loss<7>(cosine_regression{}, {.batch = 6}).error < 1e-7);
}

TEST_CASE("the check of a method finds the layer with a wrong gradient, by its path") {
  CHECK(check_method(method<fault::none>{}).error < 1e-7);
  const auto wrong = check_method(method<fault::factor>{});
  CHECK(wrong.error > 1e-7);
  CHECK(wrong.where == "backbone.scaled.factor[0]");
}

TEST_CASE(
    "a method with labels is checked with those that prepare writes, and frozen parameters are left out") {
  using labelled = classification<images, encoder<network<fault::none>>, classifier<linear_classifier<3>>>;
  const auto prepare = [](auto& memory, std::size_t count) {
    const auto targets = memory.soft_targets.resize(count);
    for (std::size_t i = 0; i < targets.size(); ++i) targets.data[i] = i % 3 == (i / 3) % 3;
  };
  const auto all = check_method(labelled{}, {}, prepare),
             head = check_method(labelled{.frozen = true}, {}, prepare);
  CHECK(all.error < 1e-7);
  CHECK(head.error < 1e-7);
  CHECK(head.compared < all.compared);
}
