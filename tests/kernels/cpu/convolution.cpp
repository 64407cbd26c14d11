#include <algorithm>
#include <utility>

#include <doctest/doctest.h>

#include <pretext/core/context.hpp>
#include <pretext/kernels/cpu/convolution.hpp>

#include "convolutions.hpp"

using namespace pretext;
using namespace pretext::tests;
using kernels::write_mode;

namespace {

using kernel = kernels::convolution<cpu>;

template <class Numerics = fp32, class T>
convolution_results<T> run(const convolution_case<T>& c, std::size_t threads,
                           write_mode mode = write_mode::overwrite, T start = 0) {
  on<cpu, Numerics> context{cpu::stream{threads}};
  convolution_results<T> result{std::vector<T>(c.dy.size(), start), std::vector<T>(c.x.size(), start),
                                std::vector<T>(c.w.size(), start)};
  kernel::forward(context, c.e, c.batch, c.x.data(), c.w.data(), result.y.data());
  kernel::backward_data(context, c.e, c.batch, c.dy.data(), c.w.data(), result.dx.data(), mode);
  kernel::backward_weights(context, c.e, c.batch, c.x.data(), c.dy.data(), result.dw.data());
  return result;
}

// Kernel, stride and padding of ResNets and ViTs, ragged channels, odd sizes, more than one slice of
// channels, few pixels of many channels.
const kernels::convolution_extents extents[] = {
    {9, 7, 3, 20, 3, 3, 1, 1},  {8, 8, 16, 32, 3, 3, 1, 1},  {7, 9, 5, 33, 3, 3, 2, 1},
    {6, 6, 40, 17, 1, 1, 1, 0}, {7, 7, 8, 8, 1, 1, 2, 0},    {14, 14, 3, 8, 7, 7, 2, 3},
    {8, 12, 3, 24, 4, 4, 4, 0}, {4, 4, 100, 48, 3, 3, 1, 1}, {70, 90, 3, 64, 3, 3, 1, 1},
    {5, 6, 1, 65, 5, 2, 3, 2},  {3, 5, 24, 500, 3, 3, 2, 1}};

/// The same case with operands that are bfloat16.
convolution_case<float> rounded(convolution_case<float> c) {
  for (auto* operand : {&c.x, &c.w, &c.dy})
    for (float& value : *operand) value = static_cast<float>(bfloat16{value});
  return c;
}

}  // namespace

TEST_CASE("in double precision a convolution and its gradients are those of the definition") {
  for (const auto& e : extents) {
    CAPTURE(e.in);
    CAPTURE(e.out);
    const convolution_case<double> c{e, 3};
    const auto expected = c.definition();
    const auto result = run(c, 1);
    CHECK(largest_error(result.y, expected.y) < 1e-13);
    CHECK(largest_error(result.dx, expected.dx) < 1e-13);
    CHECK(largest_error(result.dw, expected.dw) < 1e-13);
  }
}

TEST_CASE("in single precision a convolution and its gradients are those of the definition") {
  for (const auto& e : extents) {
    CAPTURE(e.in);
    CAPTURE(e.out);
    const convolution_case<float> c{e, 9};
    const auto expected = c.definition();
    const auto result = run(c, 1);
    CHECK(largest_error(result.y, expected.y) < 1e-5);
    CHECK(largest_error(result.dx, expected.dx) < 1e-5);
    CHECK(largest_error(result.dw, expected.dw) < 1e-5);
  }
}

TEST_CASE("the gradient of the weights is added, the gradient of the data is added on request") {
  for (const auto& e : extents) {
    const convolution_case<double> c{e, 2};
    const auto expected = c.definition();
    auto result = run(c, 1, write_mode::accumulate, 5.0);
    for (double& value : result.dx) value -= 5;
    for (double& value : result.dw) value -= 5;
    CHECK(largest_error(result.y, expected.y) < 1e-13);
    CHECK(largest_error(result.dx, expected.dx) < 1e-13);
    CHECK(largest_error(result.dw, expected.dw) < 1e-13);
  }
}

TEST_CASE("results are the same bits for any number of threads") {
  for (const auto& e : extents) {
    const convolution_case<float> c{e, 9};
    const auto one = run(c, 1), three = run(c, 3);
    CHECK(one.y == three.y);
    CHECK(one.dx == three.dx);
    CHECK(one.dw == three.dw);
  }
}

TEST_CASE_TEMPLATE("an epilogue adds a shift for each channel and a shortcut, and sets negative sums to 0",
                   Numerics, fp64, fp32, bf16) {
  using T = typename Numerics::activation;
  std::vector<std::pair<kernels::convolution_extents, std::size_t>> cases;
  for (const auto& e : extents) cases.emplace_back(e, 9);
  cases.emplace_back(kernels::convolution_extents{8, 8, 64, 64, 3, 3, 1, 1},
                     200);  // Winograd's, in blocks of tiles
  for (const auto& [e, batch] : cases)
    for (const std::size_t threads : {1u, 3u})
      for (const bool shortcut : {false, true})
        for (const bool relu : {false, true}) {
          const convolution_case<T> c{e, batch};
          const auto shift = random_values<T>(e.out, 4);
          on<cpu, Numerics> context{cpu::stream{threads}};
          std::vector<T> y(c.dy.size()), expected(c.dy.size());
          kernel::forward(context, e, batch, c.x.data(), c.w.data(), expected.data());
          for (std::size_t i = 0; i < expected.size(); ++i) {
            expected[i] += shift[i % e.out];
            if (shortcut) expected[i] += c.dy[i];
            if (relu) expected[i] = std::max(expected[i], T{0});
          }
          const kernels::convolution_epilogue<T> epilogue{shift.data(), shortcut ? c.dy.data() : nullptr,
                                                          relu};
          kernel::forward(context, e, batch, c.x.data(), c.w.data(), y.data(), nullptr, &epilogue);
          CHECK(y == expected);
        }
}

TEST_CASE("in bf16 a convolution and its gradients are those of rounded operands, accumulated in float") {
  for (const auto& e : extents) {
    CAPTURE(e.in);
    CAPTURE(e.out);
    const convolution_case<float> c{e, 9};
    const auto of_rounded = rounded(c).definition(), exact = c.definition();
    const auto result = run<bf16>(c, 1);
    const bool few_channels = kernels::detail::has_few_channels(e);  // forward and the weights' gradient
    const bool in_float = few_channels || kernels::detail::winograd_pays<float>(e, c.batch);
    CHECK(largest_error(result.y, few_channels ? exact.y : of_rounded.y) < 1e-5);
    CHECK(largest_error(result.dx, of_rounded.dx) < 1e-5);
    CHECK(largest_error(result.dw, in_float ? exact.dw : of_rounded.dw) < 1e-5);
    CHECK(relative_error(result.y, exact.y) < 1. / 256);
    CHECK(relative_error(result.dx, exact.dx) < 1. / 256);
    CHECK(relative_error(result.dw, exact.dw) < 1. / 256);
  }
}

TEST_CASE("in bf16 gradients are added, and are the same bits for any number of threads") {
  for (const auto& e : extents) {
    const convolution_case<float> c{e, 9};
    const auto alone = run<bf16>(c, 1), one = run<bf16>(c, 1, write_mode::accumulate, 5.0f);
    for (std::size_t i = 0; i < one.dx.size(); ++i) CHECK(one.dx[i] == 5 + alone.dx[i]);
    for (std::size_t i = 0; i < one.dw.size(); ++i)
      CHECK(one.dw[i] == doctest::Approx(5 + alone.dw[i]).epsilon(1e-5));
    for (std::size_t threads : {2u, 3u}) {
      const auto threaded = run<bf16>(c, threads, write_mode::accumulate, 5.0f);
      CHECK(one.y == threaded.y);
      CHECK(one.dx == threaded.dx);
      CHECK(one.dw == threaded.dw);
    }
  }
}

TEST_CASE("in bf16 a convolution with many channels uses Winograd's algorithm in float") {
  const convolution_case<float> c{{8, 8, 64, 64, 3, 3, 1, 1}, 40};
  REQUIRE(kernels::detail::winograd_pays<kernels::bfloat16_pair>(c.e, c.batch));
  const auto result = run<bf16>(c, 1), of_floats = run(c, 1);
  CHECK(result.y == of_floats.y);
  CHECK(result.dx == of_floats.dx);
  CHECK(result.dw == of_floats.dw);
}
