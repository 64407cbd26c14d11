#include <cmath>
#include <limits>
#include <vector>

#include <doctest/doctest.h>

#include <pretext/kernels/cpu/attention/softmax_columns.hpp>

#include "kernels/cpu/convolutions.hpp"

using namespace pretext;
using namespace kernels::detail;

namespace {

constexpr std::size_t keys = 13, queries = 40, step = 64;
static_assert(step % query_lanes == 0 && step >= queries);
constexpr double scale = 0.3;

/// Scores whose columns from `queries` on are 0.
std::vector<double> scores(double factor) {
  auto s = tests::random_values<double>(keys * step, 1);
  for (double& score : s) score *= factor;
  clear_columns(s.data(), step, keys, queries, step);
  return s;
}

}  // namespace

TEST_CASE("softmax of each column and the logarithm of its sum are those of the definition") {
  for (double factor : {1.0, 1000.0}) {  // the second would overflow without a shift
    const auto s = scores(factor);
    auto p = s;
    std::vector<double> log_sum(queries);
    softmax_columns(p.data(), step, keys, queries, scale, log_sum.data());
    for (std::size_t query = 0; query < queries; ++query) {
      double largest = s[query];
      for (std::size_t key = 0; key < keys; ++key) largest = std::max(largest, s[key * step + query]);
      double sum = 0;
      for (std::size_t key = 0; key < keys; ++key) sum += std::exp(scale * (s[key * step + query] - largest));
      CHECK(log_sum[query] == doctest::Approx(scale * largest + std::log(sum)).epsilon(1e-13));
      for (std::size_t key = 0; key < keys; ++key)
        CHECK(p[key * step + query] ==
              doctest::Approx(std::exp(scale * (s[key * step + query] - largest)) / sum).epsilon(1e-13));
    }
  }
}

TEST_CASE("a NaN among the scores of a query makes all of its probabilities NaN, and no others") {
  std::vector<float> p(keys * step, 0.5f);
  p[5 * step + 7] = std::numeric_limits<float>::quiet_NaN();
  softmax_columns<float>(p.data(), step, keys, queries, 0.3f, nullptr);
  for (std::size_t key = 0; key < keys; ++key)
    for (std::size_t query = 0; query < queries; ++query)
      CHECK(std::isnan(p[key * step + query]) == (query == 7));
}

TEST_CASE("backward computes the probabilities again and the gradient of the scores") {
  const auto s = scores(1);
  auto p = s, again = s, ds = tests::random_values<double>(keys * step, 2);
  const auto dp = ds;
  std::vector<double> log_sum(queries);
  softmax_columns(p.data(), step, keys, queries, scale, log_sum.data());
  softmax_columns_backward(again.data(), ds.data(), step, keys, queries, scale, log_sum.data());
  for (std::size_t query = 0; query < queries; ++query) {
    double dot = 0;
    for (std::size_t key = 0; key < keys; ++key) dot += p[key * step + query] * dp[key * step + query];
    for (std::size_t key = 0; key < keys; ++key) {
      const std::size_t at = key * step + query;
      CHECK(again[at] == doctest::Approx(p[at]).epsilon(1e-13));
      CHECK(ds[at] == doctest::Approx(scale * p[at] * (dp[at] - dot)).epsilon(1e-12));
    }
  }
}
