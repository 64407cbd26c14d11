#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include <pretext/cpu.hpp>
#include <pretext/optimizers/concepts.hpp>

using namespace pretext;

namespace {

/// Plain gradient descent, as a user may write it.
struct descent {
  template <class Context>
  struct state_type {
    explicit state_type(std::span<const parameter>) {}
    template <class Visitor>
    void for_each_buffer(Visitor&&) {}
  };
  template <class Context>
  void operator()(Context&, std::span<const parameter> table, state_type<Context>&,
                  device_scalar<step_rates> given, const typename Context::weight* gradient,
                  typename Context::weight* value) const {
    using W = typename Context::weight;
    const step_rates rates = given;
    for (const parameter& p : table)
      for (std::size_t i = p.offset;
           p.role == parameter_role::trainable && !rates.is_frozen(p.group) && i < p.offset + p.size(); ++i)
        value[i] -= static_cast<W>(rates.rate(p.group) * p.lr_multiplier) * gradient[i];
  }
};
struct stateless {
  template <class Context>
  void operator()(Context&) const {}
};

}  // namespace

TEST_CASE("optimizers of the library and of users are optimizers, other types are not") {
  static_assert(Optimizer<sgd, on<cpu>> && Optimizer<lars, on<cpu, fp64>> && Optimizer<adamw, on<cpu, bf16>>);
  static_assert(Optimizer<any_optimizer<sgd, adamw>, on<cpu>>);
  static_assert(Optimizer<layer_decay<any_optimizer<sgd, adamw>>, on<cpu>>);
  static_assert(Optimizer<descent, on<cpu>> && Optimizer<layer_decay<descent>, on<cpu>>);
  static_assert(Optimizer<clipped<descent>, on<cpu>> &&
                Optimizer<clipped<layer_decay<adamw>>, on<cpu, fp64>>);
  static_assert(Optimizer<layer_decay<any_optimizer<clipped<sgd>, clipped<lars>, adamw>>, on<cpu>>);
  static_assert(!Optimizer<int, on<cpu>> && !Optimizer<stateless, on<cpu>>);
}

TEST_CASE("a user's optimizer gets a method's table, with frozen parameters at multiplier 0") {
  using images = shape<16, 16, 3>;
  using method =
      classification<images, encoder<resnet18<stem::cifar, 4>>, classifier<linear_classifier<3, torch_init>>>;
  trainer<method, on<cpu>, descent> learner{{.frozen = true}, {}};
  const auto values = [&] {
    return std::vector<float>(learner.memory().value.data(), learner.memory().value.data() + method::size);
  };
  const auto before = values();
  std::vector<float> pixels(6 * images::size);
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<float>(i * 37 % 101) / 101;
  const auto soft_targets = learner.memory().soft_targets.resize(6);
  for (std::size_t i = 0; i < 18; ++i) soft_targets.data[i] = i % 3 == 0 ? 1.f : 0.f;
  learner.step({pixels.data(), 6}, {.learning_rate = 0.1});
  const auto after = values();
  const auto of_classifier = std::ptrdiff_t(method::encoder_size);
  CHECK(std::equal(before.begin(), before.begin() + of_classifier, after.begin()));
  CHECK(!std::equal(before.begin() + of_classifier, before.end(), after.begin() + of_classifier));
}
