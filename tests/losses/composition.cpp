#include <pretext/kernels/cpu/cosine_regression.hpp>
#include <pretext/kernels/cpu/elementwise.hpp>
#include <pretext/kernels/cpu/nt_xent.hpp>
#include <pretext/losses/composition.hpp>
#include <pretext/losses/cosine_regression.hpp>
#include <pretext/losses/nt_xent.hpp>

#include "losses.hpp"

namespace elsewhere {

/// A loss that a user wrote: half the sum of squares, whose gradient is z itself.
struct shrinkage {
  template <class Context, pretext::Shape S>
  double operator()(Context&, pretext::reads<Context, S> z, pretext::writes<Context, S> dz) const {
    double value = 0;
    for (std::size_t i = 0; i < z.size(); ++i) {
      value += 0.5 * static_cast<double>(z.data[i]) * static_cast<double>(z.data[i]);
      dz.data[i] += z.data[i];
    }
    return value;
  }
};

}  // namespace elsewhere

using namespace pretext;
using namespace pretext::tests;
using doctest::Approx;
using context_type = on<cpu, fp64>;
using sample = shape<5>;

namespace {

template <class L>
double run(const L& loss, const std::vector<double>& z, std::vector<double>& dz) {
  context_type context{.stream = cpu::stream{2}};
  const std::size_t rows = z.size() / sample::size;
  return loss(context, reads<context_type, sample>{z.data(), rows},
              writes<context_type, sample>{dz.data(), rows});
}

}  // namespace

TEST_CASE("a weighted sum of losses has the weighted sum of their values and gradients, added to dz") {
  const auto z = random_rows(8 * sample::size, 1);
  std::vector<double> a(z.size()), b(z.size()), both(z.size(), 7), thrice(z.size());
  const double one = run(nt_xent{.temperature = 0.2}, z, a), two = run(elsewhere::shrinkage{}, z, b);
  const auto loss = nt_xent{.temperature = 0.2} + 0.25 * elsewhere::shrinkage{};
  CHECK(run(loss, z, both) == Approx(one + 0.25 * two).epsilon(1e-14));
  for (std::size_t i = 0; i < z.size(); ++i)
    CHECK(both[i] - 7 == Approx(a[i] + 0.25 * b[i]).epsilon(1e-12).scale(1));
  CHECK(run(loss + 2.0 * loss, z, thrice) == Approx(3 * (one + 0.25 * two)).epsilon(1e-14));
  for (std::size_t i = 0; i < z.size(); ++i)
    CHECK(thrice[i] == Approx(3 * (a[i] + 0.25 * b[i])).epsilon(1e-12).scale(1));
}

TEST_CASE("every gradient of a weighted sum matches finite differences") {
  auto z = random_rows(6 * sample::size, 2);
  std::vector<double> gradient(z.size()), ignored(z.size());
  const auto loss = 0.5 * nt_xent{.temperature = 0.3} + 1e-2 * elsewhere::shrinkage{};
  run(loss, z, gradient);
  matches_differences(z, gradient, [&] { return run(loss, z, ignored); });
}

TEST_CASE("predictive losses can be added, too") {
  context_type context;
  const auto p = random_rows(4 * sample::size, 3), target = random_rows(4 * sample::size, 4);
  const reads<context_type, sample> from{p.data(), 4}, to{target.data(), 4};
  std::vector<double> once(p.size()), more(p.size());
  const double value = cosine_regression{}(context, from, to, writes<context_type, sample>{once.data(), 4});
  const auto loss = cosine_regression{} + 0.5 * cosine_regression{.weight = 4};
  CHECK(loss(context, from, to, writes<context_type, sample>{more.data(), 4}) ==
        Approx(3 * value).epsilon(1e-14));
  for (std::size_t i = 0; i < p.size(); ++i) CHECK(more[i] == Approx(3 * once[i]).epsilon(1e-13));
}
