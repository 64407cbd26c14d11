#include <pretext/io/safetensors.hpp>
#include <pretext/kernels/cpu/cosine_regression.hpp>
#include <pretext/losses/cosine_regression.hpp>

#include "losses.hpp"
#include "support/reference.hpp"

using namespace pretext;
using namespace pretext::tests;
using doctest::Approx;

namespace {

template <class T>
struct result {
  double value;
  std::vector<T> gradient;
};

template <class T>
result<T> run(const cosine_regression& loss, const std::vector<T>& p, const std::vector<T>& target,
              std::size_t columns, std::size_t threads = 1) {
  on<cpu, std::conditional_t<std::is_same_v<T, float>, fp32, fp64>> context{.stream = cpu::stream{threads}};
  result<T> made{0, std::vector<T>(p.size())};
  made.value = kernels::cosine_regression<cpu>::run(context, p.size() / columns, columns, loss.weight,
                                                    p.data(), target.data(), made.gradient.data());
  return made;
}

}  // namespace

TEST_CASE("BYOL's loss has the golden value and gradient in each direction") {
  // One image: row 0 of p is compared with row 1 of the target, row 1 of p with row 0.
  const auto made = run<double>(cosine_regression{}, {3., 4., 3., 4.}, {3., 4., 1., 0.}, 2);
  CHECK(made.value == Approx(0.8).epsilon(1e-14));  // the second direction agrees already
  all_near(made.gradient, {-0.256, 0.192, 0, 0}, 1e-14);
  const auto both = run<double>(cosine_regression{}, {3., 4., 0., 2.}, {0., -7., 1., 0.}, 2);
  CHECK(both.value == Approx(4.8).epsilon(1e-14));  // the farthest is 4 per direction
}

TEST_CASE("every gradient of BYOL's loss matches finite differences, and is added") {
  auto p = random_rows(10 * 7, 1);
  const auto target = random_rows(10 * 7, 2);
  const cosine_regression loss{};
  const auto made = run(loss, p, target, 7);
  matches_differences(p, made.gradient, [&] { return run(loss, p, target, 7).value; });

  using sample = shape<7>;
  on<cpu, fp64> context;
  std::vector<double> dp(p.size(), 1);
  CHECK(loss(context, reads<on<cpu, fp64>, sample>{p.data(), 10},
             reads<on<cpu, fp64>, sample>{target.data(), 10},
             writes<on<cpu, fp64>, sample>{dp.data(), 10}) == made.value);
  for (std::size_t i = 0; i < dp.size(); ++i)
    CHECK(dp[i] - 1 == Approx(made.gradient[i]).epsilon(1e-12).scale(1));
}

TEST_CASE("the mean of both directions is half their sum, in value and gradient") {
  const auto p = random_rows(6 * 4, 3), target = random_rows(6 * 4, 4);
  const auto sum = run(cosine_regression{}, p, target, 4),
             mean = run(cosine_regression{.weight = 0.5}, p, target, 4);
  CHECK(2 * mean.value == Approx(sum.value).epsilon(1e-14));
  for (std::size_t i = 0; i < p.size(); ++i)
    CHECK(2 * mean.gradient[i] == Approx(sum.gradient[i]).epsilon(1e-14));
}

TEST_CASE("uncorrelated vectors are at 4, and swapping the views changes nothing") {
  const std::size_t images = 400, columns = 256;
  const auto p = random_rows(2 * images * columns, 5, 20), target = random_rows(2 * images * columns, 6, 20);
  const auto made = run(cosine_regression{}, p, target, columns);
  CHECK(made.value == Approx(4).epsilon(0.01));
  const auto swap = [&](std::vector<double> rows) {
    std::rotate(rows.begin(), rows.begin() + images * columns, rows.end());
    return rows;
  };
  const auto swapped = run(cosine_regression{}, swap(p), swap(target), columns);
  CHECK(swapped.value == Approx(made.value).epsilon(1e-14));
  all_near(swapped.gradient, swap(made.gradient), 1e-14);
}

TEST_CASE("BYOL's loss has the same bits for any number of threads, and float is close to double") {
  const auto p = random_rows(500 * 33, 7), target = random_rows(500 * 33, 8);
  const std::vector<float> single(p.begin(), p.end()), single_target(target.begin(), target.end());
  const auto one = run(cosine_regression{}, single, single_target, 33, 1);
  for (const std::size_t threads : {2u, 3u}) {
    const auto more = run(cosine_regression{}, single, single_target, 33, threads);
    CHECK(more.value == one.value);
    CHECK(more.gradient == one.gradient);
  }
  const auto precise = run(cosine_regression{}, p, target, 33);
  CHECK(one.value == Approx(precise.value).epsilon(1e-6));
  all_near(one.gradient, precise.gradient, 1e-6);
}

TEST_CASE("a prediction of zeros has a finite loss and gradient") {
  const auto made = run(cosine_regression{}, std::vector<double>(8), random_rows(8, 9), 2);
  CHECK(made.value == 4);
  for (const double slope : made.gradient) CHECK(std::isfinite(slope));
}

TEST_CASE("one direction of BYOL's loss agrees with torch") {
  const safetensors file = reference("losses");
  const auto z1 = file.at("z1").as<double>(), z2 = file.at("z2").as<double>();
  const std::size_t columns = file.at("z1").shape[1];
  const auto expected = file.at("byol_one_direction.grad1").as<double>();
  // The other direction compares z1 with itself: its value and gradient are 0.
  auto p = z1, target = z1;
  p.insert(p.end(), z1.begin(), z1.end());
  target.insert(target.end(), z2.begin(), z2.end());
  const auto value = file.at("byol_one_direction").as<double>()[0];
  auto precise = run(cosine_regression{}, p, target, columns);
  CHECK(precise.value == Approx(value).epsilon(1e-9));
  precise.gradient.resize(z1.size());
  all_near(precise.gradient, expected, 1e-9);
  auto single = run(cosine_regression{}, std::vector<float>(p.begin(), p.end()),
                    std::vector<float>(target.begin(), target.end()), columns);
  CHECK(single.value == Approx(value).epsilon(1e-4));
  single.gradient.resize(z1.size());
  all_near(single.gradient, expected, 1e-4);
}

TEST_CASE("BYOL's loss refuses an odd number of rows in a sentence") {
  CHECK_THROWS_WITH_AS(run(cosine_regression{}, std::vector<double>(3), std::vector<double>(3), 1),
                       "cosine regression compares two views of every image, stacked; it cannot take 3 rows",
                       std::invalid_argument);
  using sample = shape<1>;
  on<cpu> context;
  float number = 0;
  CHECK_THROWS_WITH_AS(
      cosine_regression{}(context, reads<on<cpu>, sample>{&number, 4}, reads<on<cpu>, sample>{&number, 2},
                          writes<on<cpu>, sample>{&number, 4}),
      "cosine_regression: 4 rows of predictions but 2 of the target's embeddings", std::invalid_argument);
}
