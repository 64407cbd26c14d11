#include <doctest/doctest.h>

#include <pretext/kernels/cpu/for_each_row.hpp>
#include <pretext/kernels/cpu/gemm.hpp>
#include <pretext/losses/check_loss.hpp>
#include <pretext/losses/whitening_mse.hpp>

#include "losses/batch_cases.hpp"

using namespace pretext;
using namespace pretext::tests;

namespace {

/// Images of a (2, n, D) batch in another order, the same for both views.
std::vector<double> reordered(const std::vector<double>& z, const std::vector<std::size_t>& order,
                              std::size_t columns) {
  std::vector<double> rows(z.size());
  const std::size_t n = order.size();
  for (std::size_t view = 0; view < 2; ++view)
    for (std::size_t i = 0; i < n; ++i)
      std::copy_n(z.begin() + std::ptrdiff_t((view * n + order[i]) * columns), columns,
                  rows.begin() + std::ptrdiff_t((view * n + i) * columns));
  return rows;
}

}  // namespace

TEST_CASE("whitening MSE agrees with lightly, with the whole batch as one sub-batch") {
  agrees_with_batch<4>(whitening_mse{}, tests::reference("loss_wmse"), "wmse", {.p = {"z1", "z2"}});
}

TEST_CASE("four images in the plane are whitened as the formula says") {
  const std::vector<double> z{2, 0, 0, 1, 1, 1, -1, 0, 1, 1, 0, 2, 2, 1, -1, 1};
  CHECK(run_batch<fp64, 2>(whitening_mse{}, 4, z, {}).value ==
        doctest::Approx(.3934761838289425).epsilon(1e-13));
}

namespace {

/// Rows (n, D), whitened as one set.
std::vector<double> whitened(const std::vector<double>& z, std::size_t d) {
  const std::size_t n = z.size() / d;
  on<cpu, fp64> context;
  const detail::loss_operations at{context};
  const detail::whitening_sets of{n, d, n, nullptr};
  double *const means = at.doubles(d), *const l = at.doubles(d * d), *const diagonal = at.doubles(d),
                *const y = at.doubles(n * d), *const inverse = at.doubles(n);
  at.for_each_row(d, detail::mean_of_set<double>{of, z.data(), means});
  at.for_each_row(d, detail::covariance_of_set<double>{of, 0, z.data(), means, l});
  at.for_each_row(1, detail::cholesky{d, l, diagonal});
  at.for_each_row(detail::runs_of(n),
                  detail::whiten_images<double>{of, z.data(), means, l, diagonal, y, inverse});
  return {y, y + z.size()};
}

}  // namespace

TEST_CASE("whitened rows agree with lightly's, and have the identity as their covariance") {
  const auto file = tests::reference("loss_wmse");
  CHECK(relative_difference(whitened(file.at("z1").as<double>(), file.at("z1").shape[1]),
                            file.at("whitened1").as<double>()) < 1e-12);
  const std::size_t n = 40, d = 7;
  const auto y = whitened(detail::normal_values(n * d, 1, .3, 2), d);
  for (std::size_t a = 0; a < d; ++a)
    for (std::size_t b = 0; b < d; ++b) {
      double sum = 0;
      for (std::size_t i = 0; i < n; ++i) sum += y[i * d + a] * y[i * d + b] / double(n - 1);
      CHECK(sum == doctest::Approx(a == b ? 1 : 0).epsilon(1e-12).scale(1));
    }
}

TEST_CASE("the gradient of whitening MSE matches finite differences and is added") {
  for (const std::size_t views : {2u, 3u})
    for (const whitening_mse& loss :
         {whitening_mse{}, whitening_mse{.sub_batch = 12, .repetitions = 2}, whitening_mse{.epsilon = .1}}) {
      const auto found = check_loss<5>(loss, loss_check_batch{views, 0}, {.batch = 36 * views, .threads = 2});
      CHECK_MESSAGE(found.error < 1e-6, found.text());
    }
}

TEST_CASE("sub-batches are images of a random order, which differs from step to step and with the seed") {
  const std::size_t n = 12, d = 2, size = 4;
  const auto z = detail::normal_values(2 * n * d, 3);
  const whitening_mse loss{.sub_batch = size};
  const auto value = [&](double steps, double seed) {
    return run_batch<fp64, d>(loss, n, z, {}, 0, {}, {{"steps_and_seed", {steps, seed}}}).value;
  };
  CHECK(value(0, 5) == value(0, 5));
  CHECK(value(0, 5) != value(1, 5));
  CHECK(value(0, 5) != value(0, 6));
  CHECK(run_batch<fp64, d>(loss, n, z, {}).state.at("steps_and_seed") == std::vector<double>{1, 5});
  // The mean of the losses of the sub-batches that the permutation makes.
  on<cpu, fp64> context;
  const detail::loss_operations at{context};
  const std::uint32_t* const drawn = detail::random_order(at, n, 1, 0, std::uint64_t{5}, std::uint64_t{0});
  const std::vector<std::size_t> order(drawn, drawn + n);
  auto sorted = order;
  std::sort(sorted.begin(), sorted.end());
  for (std::size_t i = 0; i < n; ++i) CHECK(sorted[i] == i);
  CHECK(order != sorted);
  const auto rows = reordered(z, order, d);
  double mean = 0;
  for (std::size_t first = 0; first < n; first += size) {
    std::vector<double> part;
    for (std::size_t view = 0; view < 2; ++view)
      part.insert(part.end(), rows.begin() + std::ptrdiff_t((view * n + first) * d),
                  rows.begin() + std::ptrdiff_t((view * n + first + size) * d));
    mean += run_batch<fp64, d>(loss, size, part, {}).value / double(n / size);
  }
  CHECK(value(0, 5) == doctest::Approx(mean).epsilon(1e-13));
}

TEST_CASE("repetitions average the losses of several orders") {
  const std::size_t n = 12, d = 2;
  const auto z = detail::normal_values(2 * n * d, 3);
  const auto value = [&](std::size_t repetitions, double steps) {
    return run_batch<fp64, d>(whitening_mse{4, repetitions}, n, z, {}, 0, {},
                              {{"steps_and_seed", {steps, 5}}})
        .value;
  };
  CHECK(value(3, 2) == doctest::Approx((value(1, 6) + value(1, 7) + value(1, 8)) / 3).epsilon(1e-13));
}

TEST_CASE("whitening MSE is finite for rows of zeros, and refuses singular covariances") {
  stays_finite<5>(whitening_mse{.epsilon = .1}, 2, 0);
  stays_finite<1>(whitening_mse{}, 2, 0);
  const std::vector<double> z(24, 1.);
  refuses<6>(whitening_mse{}, 2, z);
  refuses<2>(whitening_mse{.sub_batch = 4}, 6, z);  // no whole sub-batches
  refuses<2>(whitening_mse{}, 12, z);               // one view
  CHECK_THROWS_AS(whitening_mse{.sub_batch = 1}.check(), std::invalid_argument);
  CHECK_THROWS_AS(whitening_mse{.repetitions = 0}.check(), std::invalid_argument);
  CHECK_THROWS_AS(whitening_mse{.epsilon = 1}.check(), std::invalid_argument);
}

TEST_CASE("NaN among the rows makes the loss NaN") { passes_nan_on<3>(whitening_mse{}, 2, 0); }
