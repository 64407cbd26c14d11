#include <doctest/doctest.h>

#include <cmath>
#include <initializer_list>

#include <pretext/core/distributions.hpp>

using namespace pretext;
using doctest::Approx;

namespace {

struct moments {
  double mean = 0, variance = 0, min = 1e300, max = -1e300;
};

template <class Draw>
moments of(Draw draw) {
  constexpr std::size_t count = 20000;
  double sum = 0, squares = 0;
  moments m;
  for (std::size_t i = 0; i < count; ++i) {
    const double x = draw(random_key{.seed = 3, .epoch = 1, .sample = i});
    sum += x;
    squares += x * x;
    m.min = std::fmin(m.min, x);
    m.max = std::fmax(m.max, x);
  }
  m.mean = sum / count;
  m.variance = squares / count - m.mean * m.mean;
  return m;
}

}  // namespace

TEST_CASE("normal, gamma and beta variates have the mean and the variance of their distribution") {
  const moments normal = of([](const random_key& key) { return standard_normal(key, 5); });
  CHECK(normal.mean == Approx(0).epsilon(.02).scale(1));
  CHECK(normal.variance == Approx(1).epsilon(.03));
  for (const double shape : {.2, .8, 1., 2.5, 20.}) {
    CAPTURE(shape);
    const moments m = of([=](const random_key& key) { return gamma_variate(key, 8, shape); });
    CHECK(m.mean == Approx(shape).epsilon(.03));
    CHECK(m.variance == Approx(shape).epsilon(.08));
    CHECK(m.min >= 0);
  }
  for (const double alpha : {.2, .8, 1., 5.}) {
    CAPTURE(alpha);
    const moments m = of([=](const random_key& key) { return beta_variate(key, 8, alpha, alpha); });
    CHECK(m.mean == Approx(.5).epsilon(.02));
    CHECK(m.variance == Approx(1 / (4 * (2 * alpha + 1))).epsilon(.03));
    CHECK(m.min >= 0);
    CHECK(m.max <= 1);
  }
  const moments skew = of([](const random_key& key) { return beta_variate(key, 8, 1, 3); });
  CHECK(skew.mean == Approx(.25).epsilon(.02));
}

TEST_CASE("Beta(1, 1) is uniform") {
  std::size_t tenth[10]{};
  for (std::size_t i = 0; i < 20000; ++i)
    ++tenth[static_cast<std::size_t>(beta_variate(random_key{.sample = i}, 0, 1, 1) * 10)];
  for (const std::size_t count : tenth) CHECK(static_cast<double>(count) == Approx(2000).epsilon(.1));
}

TEST_CASE("a variate depends on its key and its first draw alone") {
  const random_key key{.seed = 5, .epoch = 2, .sample = 9, .view = 128};
  CHECK(beta_variate(key, 8196, .8, .8) == beta_variate(key, 8196, .8, .8));
  CHECK(beta_variate(key, 8196, .8, .8) != beta_variate(key, 9216, .8, .8));
  random_key other = key;
  other.epoch = 3;
  CHECK(beta_variate(key, 8196, .8, .8) != beta_variate(other, 8196, .8, .8));
}
