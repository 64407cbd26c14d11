#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include <pretext/cpu.hpp>
#include <pretext/training/initialise.hpp>

using namespace pretext;

namespace {

using small = byol<shape<8, 8, 3>, resnet18<stem::cifar, 4>, byol_head<9, 5>>;

}  // namespace

TEST_CASE("initial weights have the standard deviation of their initialiser") {
  using wide = simclr<shape<32, 32, 3>, resnet18<stem::cifar>>;
  std::vector<float> w(wide::size);
  initialise<float>(wide::parameters, 3, w.data());
  for (const parameter& p : wide::parameters) {
    if (p.size() < 4000) continue;
    double square = 0;
    for (std::size_t i = p.offset; i < p.offset + p.size(); ++i)
      square += double(w[i]) * double(w[i]) / double(p.size());
    CAPTURE(p.path);
    CHECK(std::sqrt(square) == doctest::Approx(p.init.scale).epsilon(0.05));
  }
}

TEST_CASE("Haiku's initialisation: truncated normal weights of deviation 1/sqrt(fan_in), biases 0") {
  constexpr auto table = haiku_init(parameters_of<small::online, small::images>);
  for (std::size_t row = 0; row < table.size(); ++row) {
    const parameter &p = table[row], &before = small::parameters[row];
    CAPTURE(p.path);
    CHECK(p.name() == before.name());
    if (p.rank >= 2) {
      CHECK(p.init.distribution == initialiser::kind::truncated_normal);
      CHECK(p.init.scale == doctest::Approx(1 / std::sqrt(double(p.size() / p.extents[0]))));
    } else if (p.name().ends_with("layers.0.bias")) {
      CHECK(p.init == initialiser::constant(0));
    } else {
      CHECK(p.init == before.init);
    }
  }
}

TEST_CASE(
    "an element's initial value depends on the seed, the parameter's row and its index, and on nothing "
    "else") {
  const auto normal = initialiser::normal(1);
  const double value = start_value(normal, 7, 3, 11);
  CHECK(value == start_value(normal, 7, 3, 11));
  CHECK(value != start_value(normal, 8, 3, 11));
  CHECK(value != start_value(normal, 7, 4, 11));
  CHECK(value != start_value(normal, 7, 3, 12));
  for (std::uint64_t i = 0; i < 2000; ++i) {
    CHECK(std::abs(start_value(initialiser::truncated_normal(0.5), 1, 0, i)) < 1);
    CHECK(std::abs(start_value(initialiser::uniform(0.25), 1, 0, i)) < 0.25);
  }
  CHECK(start_value(initialiser::constant(0.125), 1, 0, 5) == 0.125);
}
