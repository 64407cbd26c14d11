#include <doctest/doctest.h>

#include <pretext/cpu.hpp>
#include <pretext/methods/concepts.hpp>

using namespace pretext;

namespace {

using images = shape<16, 16, 3>;

struct scheduled_target {
  float momentum = 0.5f;
};

/// A method of a user: the mean of the first parameter is its loss.
struct own_method {
  using images = shape<4>;
  using encoder = linear<2>;
  using feature = shape<2>;
  static constexpr std::size_t views = 1, size = weight_count<encoder, images>;
  static constexpr bool has_target = false;
  static constexpr auto parameters = parameters_of<encoder, images>;

  template <class Context>
  struct memory {
    buffer<typename Context::weight, typename Context::device> value{size}, gradient{size};
  };
  template <class Context>
  typename Context::loss_value learn(Context&, memory<Context>& m, reads<Context, images>,
                                     const step_context&) const {
    m.gradient.data()[0] += 1;
    return static_cast<double>(m.value.data()[0]);
  }
};

/// The same without a step.
struct without_step : own_method {
  template <class Context>
  typename Context::loss_value learn(Context&, own_method::memory<Context>&, reads<Context, images>) const {
    return 0;
  }
};

}  // namespace

TEST_CASE("the methods of the library are methods in every precision") {
  static_assert(Method<simclr<images, resnet18<stem::cifar, 4>>, on<cpu>>);
  static_assert(Method<byol<images, resnet18<stem::cifar, 4>>, on<cpu, fp64>>);
  static_assert(Method<mae<images, vit<4, 16, 1, 2>, mae_decoder<8, 1, 2>>, on<cpu, bf16>>);
  static_assert(
      Method<classification<images, encoder<vit<4, 16, 1, 2>>, classifier<linear_classifier<3>>>, on<cpu>>);
  static_assert(!Method<int, on<cpu>> && !Method<without_step, on<cpu>>);
  using labelled = classification<images, encoder<vit<4, 16, 1, 2>>, classifier<linear_classifier<3>>>;
  static_assert(LabelledMethod<labelled> && !LabelledMethod<own_method>);
  CHECK(labelled{}.classes() == 3);
  CHECK(labelled{.loss = {.classes = 2}}.classes() == 2);
}

TEST_CASE("targets share the weights of the network or have a momentum") {
  static_assert(Target<shared_weights> && !MovingTarget<shared_weights>);
  static_assert(MovingTarget<ema> && MovingTarget<scheduled_target>);
  static_assert(!Target<int> && !Target<nt_xent>);
}

TEST_CASE("a trainer trains a method that a user wrote") {
  static_assert(Method<own_method, on<cpu>>);
  trainer<own_method, on<cpu>, sgd> learner{{}, {.momentum = 0}, {.seed = 3}};
  const float before = learner.memory().value.data()[0];
  const std::vector<float> pixels(8);
  const double loss = learner.step({pixels.data(), 2}, {.learning_rate = 0.5});
  CHECK(loss == doctest::Approx(before));
  CHECK(learner.memory().value.data()[0] == doctest::Approx(before - 0.5f));
}
