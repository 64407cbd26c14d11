#include <doctest/doctest.h>

#include <pretext/core/context.hpp>
#include <pretext/kernels/cpu/convolution.hpp>

#include "kernels/cpu/convolutions.hpp"

using namespace pretext;
using namespace pretext::tests;
using kernels::write_mode;
namespace winograd = kernels::detail::winograd;

namespace {

template <class T>
convolution_results<T> run(const convolution_case<T>& c, std::size_t threads,
                           write_mode mode = write_mode::overwrite, T start = 0) {
  on<cpu> context{cpu::stream{threads}};
  convolution_results<T> result{std::vector<T>(c.dy.size(), start), std::vector<T>(c.x.size(), start),
                                std::vector<T>(c.w.size(), start)};
  winograd::forward(context, c.e, c.batch, c.x.data(), c.w.data(), result.y.data());
  winograd::backward_data(context, c.e, c.batch, c.dy.data(), c.w.data(), result.dx.data(), mode);
  winograd::backward_weights(context, c.e, c.batch, c.x.data(), c.dy.data(), result.dw.data());
  return result;
}

constexpr kernels::convolution_extents image(std::size_t height, std::size_t width, std::size_t in,
                                             std::size_t out) {
  return {height, width, in, out, 3, 3, 1, 1};
}

// Whole and partial tiles, one and several panels, one and several squares of channels of the weight
// gradient.
const kernels::convolution_extents extents[] = {image(8, 8, 16, 16),  image(7, 5, 32, 48),
                                                image(4, 4, 16, 144), image(3, 9, 160, 32),
                                                image(1, 2, 16, 16),  image(13, 6, 48, 80)};

}  // namespace

TEST_CASE("in double precision Winograd's convolution and its gradients are those of the definition") {
  for (const auto& e : extents) {
    CAPTURE(e.in);
    CAPTURE(e.out);
    const convolution_case<double> c{e, 3};
    const auto expected = c.definition();
    const auto result = run(c, 1);
    CHECK(largest_error(result.y, expected.y) < 1e-12);
    CHECK(largest_error(result.dx, expected.dx) < 1e-12);
    CHECK(largest_error(result.dw, expected.dw) < 1e-12);
  }
}

TEST_CASE("gradients of more tiles than a block are the sums of all parts") {
  const convolution_case<double> c{image(8, 8, 16, 16), 300};  // 1200 tiles, 13 blocks
  const auto expected = c.definition();
  const auto result = run(c, 1);
  CHECK(largest_error(result.y, expected.y) < 1e-12);
  CHECK(largest_error(result.dx, expected.dx) < 1e-12);
  CHECK(largest_error(result.dw, expected.dw) < 1e-12);
}

TEST_CASE("blocks of tiles and stages over all tiles give the same bits") {
  const convolution_case<float> c{image(8, 8, 16, 16), 300};
  const winograd::tiling tiles{8, 8, 300};
  REQUIRE(tiles.count() > winograd::max_staged_tiles);
  on<cpu> context{cpu::stream{3}};
  std::vector<float> packed(winograd::products * winograd::packed_plane<float>(16, 16)), zeros(16);
  winograd::pack_weights(context.stream, 16, 16, c.w.data(), packed.data());
  std::vector<float> blocks(c.dy.size()), stages(c.dy.size());
  winograd::convolve_blocks(context, tiles, 24, 16, 16, c.x.data(), std::as_const(zeros).data(),
                            std::as_const(packed).data(), blocks.data(), false);
  winograd::convolve_stages(context, tiles, 16, 16, c.x.data(), std::as_const(zeros).data(),
                            std::as_const(packed).data(), stages.data(), false);
  CHECK(blocks == stages);
  CHECK(largest_error(blocks, c.definition().y) < 2e-5);
}

TEST_CASE("in single precision the error is below 2e-5 of the largest value and 1e-5 by norm") {
  for (const auto& e :
       {image(8, 8, 16, 16), image(8, 8, 64, 64), image(4, 4, 512, 32), image(7, 7, 32, 512)}) {
    CAPTURE(e.in);
    CAPTURE(e.out);
    const convolution_case<float> c{e, 8};
    const auto expected = c.definition();
    const auto result = run(c, 1);
    CHECK(largest_error(result.y, expected.y) < 2e-5);
    CHECK(largest_error(result.dx, expected.dx) < 2e-5);
    CHECK(largest_error(result.dw, expected.dw) < 2e-5);
    CHECK(relative_error(result.y, expected.y) < 1e-5);
    CHECK(relative_error(result.dx, expected.dx) < 1e-5);
    CHECK(relative_error(result.dw, expected.dw) < 1e-5);
  }
}

TEST_CASE("the gradient of the weights is added, the gradient of the data is added on request") {
  for (const auto& e : extents) {
    const convolution_case<double> c{e, 2};
    const auto expected = c.definition();
    auto result = run(c, 1, write_mode::accumulate, 5.0);
    for (double& value : result.dx) value -= 5;
    for (double& value : result.dw) value -= 5;
    CHECK(largest_error(result.dx, expected.dx) < 1e-12);
    CHECK(largest_error(result.dw, expected.dw) < 1e-12);
  }
}

TEST_CASE("results are the same bits for any number of threads") {
  for (const auto& e : extents) {
    const convolution_case<float> c{e, 40};
    const auto one = run(c, 1), three = run(c, 3);
    CHECK(one.y == three.y);
    CHECK(one.dx == three.dx);
    CHECK(one.dw == three.dw);
  }
}

TEST_CASE("an image's result does not depend on the other images of the batch") {
  const convolution_case<float> many{image(7, 7, 32, 32), 60};
  convolution_case<float> one{many.e, 1};
  one.x.assign(many.x.end() - static_cast<std::ptrdiff_t>(one.x.size()), many.x.end());
  one.w = many.w;
  const auto of_many = run(many, 1).y, of_one = run(one, 1).y;
  CHECK(std::equal(of_one.begin(), of_one.end(), of_many.end() - static_cast<std::ptrdiff_t>(of_one.size())));
}

TEST_CASE("constant weights are transformed once for few tiles, and give the same bits") {
  for (const std::size_t batch : {2u, 150u}) {
    const convolution_case<float> c{image(7, 7, 16, 48), batch};
    const auto expected = run(c, 2).y;
    const constant_weights constants{c.w.data(), c.w.size() * sizeof(float)};
    on<cpu> context{.stream = cpu::stream{2}, .constants = &constants};
    for (int call = 0; call < 2; ++call) {
      std::vector<float> y(c.dy.size());
      winograd::forward(context, c.e, c.batch, c.x.data(), c.w.data(), y.data());
      CHECK(y == expected);
    }
    bool made = false;
    constants.prepared<float>(c.w.data(), {16, 48, winograd::products}, 1, [&](float*) { made = true; });
    CHECK(made == (batch == 150));  // 600 tiles: transformed in every call
  }
}

TEST_CASE("single precision uses Winograd where it halves the multiplications of at least 32 tiles") {
  using kernels::detail::winograd_pays;
  CHECK(winograd_pays<float>(image(32, 32, 64, 64), 8));
  CHECK(winograd_pays<float>(image(7, 7, 512, 512), 8));
  CHECK_FALSE(winograd_pays<double>(image(32, 32, 64, 64), 8));
  CHECK_FALSE(winograd_pays<float>(image(4, 4, 512, 512), 31));
  CHECK_FALSE(winograd_pays<float>(image(5, 5, 64, 64), 100));
  CHECK_FALSE(winograd_pays<float>(image(32, 32, 3, 64), 8));
  CHECK_FALSE(winograd_pays<float>({32, 32, 64, 64, 3, 3, 2, 1}, 8));
  CHECK_FALSE(winograd_pays<float>({32, 32, 64, 64, 3, 3, 1, 0}, 8));
  CHECK_FALSE(winograd_pays<float>(image(14, 14, 256, 256), 1));
  const bool constant = true;  // weights, which stay transformed
  CHECK(winograd_pays<float>(image(14, 14, 256, 256), 1, constant));
  CHECK_FALSE(winograd_pays<float>(image(7, 7, 512, 512), 1, constant));
}
