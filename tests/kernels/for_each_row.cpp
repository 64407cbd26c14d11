#include <doctest/doctest.h>

#include <vector>

#include <pretext/kernels/cpu/for_each_row.hpp>
#include <pretext/kernels/cpu/gemm.hpp>
#include <pretext/losses/alignment_uniformity.hpp>
#include <pretext/losses/barlow_twins_loss.hpp>
#include <pretext/losses/decoupled_contrastive.hpp>
#include <pretext/losses/vicreg_loss.hpp>

#include "losses/losses.hpp"

using namespace pretext;

namespace {

/// The sum and the largest of `count` numbers, the number itself of each.
struct describe_row {
  std::size_t count;
  const float* numbers;
  double *sum, *largest;
  float* copied;

  template <class Team>
  PRETEXT_HOST_DEVICE void operator()(std::size_t row, const Team& team) const {
    const float* const from = numbers + row * count;
    const double total = team.sum(count, [&](std::size_t i) { return from[i]; });
    const double most = team.maximum(count, [&](std::size_t i) { return from[i]; });
    team.each(count, [&](std::size_t i) {
      copied[row * count + i] = from[i];
      if (i == 0) {
        sum[row] = total;
        largest[row] = most;
      }
    });
  }
};

/// Value and gradient of a loss of 100 rows of 40 numbers.
template <class Loss>
std::vector<float> results_of(const Loss& loss, std::size_t threads) {
  using Context = on<cpu>;
  using row = shape<40>;
  Context context{.stream = cpu::stream{threads}};
  const auto z = tests::random_rows<float>(100 * row::size, 3);
  std::vector<float> results(z.size() + 1);
  results.back() = static_cast<float>(
      loss(context, reads<Context, row>{z.data(), 100}, writes<Context, row>{results.data(), 100}));
  return results;
}

}  // namespace

TEST_CASE("every row is worked on once, with its sum and its largest number") {
  for (const std::size_t rows : {0, 1, 16, 50}) {
    const std::size_t count = 37;
    std::vector<float> numbers(rows * count), copied(rows * count);
    for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<float>(i % 7) - 5;
    std::vector<double> sum(rows), largest(rows);
    on<cpu> context{.stream = cpu::stream{3}};
    kernels::for_each_row<cpu>::run(
        context, rows, describe_row{count, numbers.data(), sum.data(), largest.data(), copied.data()});
    CHECK(copied == numbers);
    for (std::size_t row = 0; row < rows; ++row) {
      double expected = 0;
      for (std::size_t i = 0; i < count; ++i) expected += static_cast<double>(numbers[row * count + i]);
      CHECK(sum[row] == expected);
      CHECK(largest[row] == 1);
    }
    CHECK(kernels::sum_of_parts<cpu>::run(context, rows, 2, largest.data()) == 2. * double(rows));
  }
}

TEST_CASE("losses that work by rows have the same bits for any number of threads") {
  const auto same = [](const auto& loss) {
    const auto expected = results_of(loss, 1);
    CHECK(results_of(loss, 2) == expected);
    CHECK(results_of(loss, 3) == expected);
  };
  same(barlow_twins_loss{});
  same(vicreg_loss{});
  same(decoupled_contrastive{.sigma = 0.5});
  same(alignment_uniformity{});
}
