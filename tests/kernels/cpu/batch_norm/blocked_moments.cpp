#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include <doctest/doctest.h>

#include <pretext/core/context.hpp>
#include <pretext/kernels/cpu/batch_norm.hpp>
#include <pretext/kernels/cpu/convolution.hpp>

#include "kernels/cpu/convolutions.hpp"

using namespace pretext;
using namespace pretext::tests;

namespace {

struct moments_of_y {
  std::vector<double> mean, deviations;
  bool operator==(const moments_of_y&) const = default;
};

/// The moments by definition, group by group.
template <class T>
moments_of_y by_definition(const std::vector<T>& y, std::size_t channels, std::size_t groups) {
  const std::size_t rows = y.size() / channels / groups;
  moments_of_y result{std::vector<double>(groups * channels), std::vector<double>(groups * channels)};
  for (std::size_t group = 0; group < groups; ++group)
    for (std::size_t c = 0; c < channels; ++c) {
      const T* const first = y.data() + group * rows * channels + c;
      double &mean = result.mean[group * channels + c], &deviations = result.deviations[group * channels + c];
      for (std::size_t r = 0; r < rows; ++r) mean += double(first[r * channels]) / double(rows);
      for (std::size_t r = 0; r < rows; ++r) deviations += std::pow(double(first[r * channels]) - mean, 2);
    }
  return result;
}

/// The moments that a convolution computes while it writes y.
template <class Numerics = fp32, class T>
moments_of_y fused_moments(const convolution_case<T>& c, std::size_t groups, std::size_t threads,
                           std::vector<T>& y) {
  on<cpu, Numerics> context{cpu::stream{threads}};
  moments_of_y result{std::vector<double>(groups * c.e.out, 7.0), std::vector<double>(groups * c.e.out, 7.0)};
  const kernels::channel_moments requested{groups, result.mean.data(), result.deviations.data()};
  y.assign(c.dy.size(), T{5});
  kernels::convolution<cpu>::forward(context, c.e, c.batch, c.x.data(), c.w.data(), y.data(), &requested);
  return result;
}

double relative_difference(const moments_of_y& a, const moments_of_y& b, std::size_t rows) {
  double largest = 0;
  for (std::size_t i = 0; i < a.mean.size(); ++i) {
    const double spread = std::sqrt(b.deviations[i] / double(rows));
    largest = std::max({largest, std::abs(a.mean[i] - b.mean[i]) / spread,
                        std::abs(a.deviations[i] - b.deviations[i]) / b.deviations[i]});
  }
  return largest;
}

// Winograd in blocks and in stages, whole and partial tiles; one product of more than one block of columns;
// colour images; strides; fewer rows than a block.
const kernels::convolution_extents extents[] = {
    {32, 32, 16, 32, 3, 3, 1, 1}, {9, 10, 16, 48, 3, 3, 1, 1}, {4, 4, 160, 320, 3, 3, 1, 1},
    {8, 8, 40, 300, 1, 1, 1, 0},  {11, 9, 3, 20, 3, 3, 1, 1},  {14, 14, 3, 8, 7, 7, 2, 3},
    {7, 9, 5, 33, 3, 3, 2, 1},    {8, 8, 24, 70, 1, 1, 2, 0},  {1, 1, 2100, 40, 1, 1, 1, 0}};

}  // namespace

TEST_CASE("moments computed while a convolution writes its result are those of the result, in every group") {
  for (const auto& e : extents)
    for (const std::size_t groups : {1u, 2u, 5u, 30u}) {
      CAPTURE(e.height);
      CAPTURE(e.in);
      CAPTURE(e.out);
      CAPTURE(groups);
      const std::size_t batch = 60, rows = batch * e.out_height() * e.out_width() / groups;
      std::vector<double> y_double;
      std::vector<float> y_float;
      const convolution_case<double> in_double{e, batch};
      const auto exact = fused_moments(in_double, groups, 1, y_double);
      CHECK(relative_difference(exact, by_definition(y_double, e.out, groups), rows) < 1e-10);
      const convolution_case<float> in_float{e, batch};
      const auto result = fused_moments(in_float, groups, 1, y_float);
      CHECK(relative_difference(result, by_definition(y_float, e.out, groups), rows) < 2e-5);
      const auto rounded = fused_moments<bf16>(in_float, groups, 1, y_float);
      CHECK(relative_difference(rounded, by_definition(y_float, e.out, groups), rows) < 2e-5);
    }
}

TEST_CASE("moments are the same bits for any number of threads, and do not change the result") {
  for (const auto& e : extents) {
    CAPTURE(e.in);
    CAPTURE(e.out);
    const convolution_case<float> c{e, 40};
    std::vector<float> y, repeated, unfused(c.dy.size());
    const auto result = fused_moments(c, 2, 1, y);
    CHECK(result == fused_moments(c, 2, 3, repeated));
    CHECK(y == repeated);
    on<cpu> context{cpu::stream{2}};
    kernels::convolution<cpu>::forward(context, c.e, c.batch, c.x.data(), c.w.data(), unfused.data());
    CHECK(y == unfused);
  }
}

TEST_CASE("a mean of 10000 standard deviations costs the variance three digits, not all of them") {
  constexpr std::size_t rows = 5000, channels = 40, groups = 2;
  auto x = random_values<float>(rows * channels, 9);
  for (float& value : x) value += 1e4f;
  on<cpu> context{cpu::stream{2}};
  moments_of_y result{std::vector<double>(groups * channels), std::vector<double>(groups * channels)};
  const kernels::channel_moments requested{groups, result.mean.data(), result.deviations.data()};
  const kernels::detail::blocked_moments<float> moments{context, &requested, channels, rows, 96};
  context.stream.for_each_run(rows, 96, [&](std::size_t first, std::size_t last) {
    moments.add_rows(x.data(), first, last, 0, channels);
  });
  moments.combine(context.stream);
  CHECK(relative_difference(result, by_definition(x, channels, groups), rows / groups) < 1e-4);
}

TEST_CASE("batch norm computes the same statistics from fused moments as from a pass over x") {
  constexpr std::size_t batch = 30, groups = 2;
  const kernels::convolution_extents e{9, 10, 16, 48, 3, 3, 1, 1};
  const convolution_case<float> c{e, batch};
  std::vector<float> y;
  auto known = fused_moments(c, groups, 2, y);
  const std::size_t rows = y.size() / e.out;
  using norm = kernels::batch_norm<cpu>;
  struct result {
    std::vector<float> mean = std::vector<float>(groups * 48), inverse = mean, scale = mean, shift = mean;
    std::vector<float> running_mean = std::vector<float>(48, 0.5f), running_variance = running_mean;

    kernels::norm_parameters<float> parameters() {
      return {.epsilon = 1e-5f,
              .momentum = 0.1f,
              .running_mean = running_mean.data(),
              .running_variance = running_variance.data()};
    }
    kernels::channel_norms<float> norms() {
      return {mean.data(), inverse.data(), scale.data(), shift.data()};
    }
  } computed, given;
  on<cpu> context{cpu::stream{2}};
  norm::statistics(context, rows, e.out, groups, y.data(), computed.parameters(), computed.norms());
  norm::finalize(context, rows, e.out, {groups, known.mean.data(), known.deviations.data()},
                 given.parameters(), given.norms());
  const auto largest_difference = [](const std::vector<float>& a, const std::vector<float>& b) {
    double largest = 0;
    for (std::size_t i = 0; i < a.size(); ++i)
      largest = std::max(largest, std::abs(double(a[i]) - double(b[i])));
    return largest;
  };
  CHECK(largest_difference(computed.mean, given.mean) < 1e-5);
  CHECK(largest_difference(computed.inverse, given.inverse) < 1e-4);
  CHECK(largest_difference(computed.scale, given.scale) < 1e-4);
  CHECK(largest_difference(computed.shift, given.shift) < 1e-4);
  CHECK(largest_difference(computed.running_mean, given.running_mean) < 1e-5);
  CHECK(largest_difference(computed.running_variance, given.running_variance) < 1e-4);
}
