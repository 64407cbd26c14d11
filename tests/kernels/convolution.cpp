#include <doctest/doctest.h>

#include <pretext/core/on.hpp>
#include <pretext/kernels/cpu/convolution.hpp>

#include "convolutions.hpp"

using namespace pretext;
using namespace pretext::tests;
using kernels::into;

namespace {

using kernel = kernels::convolution<cpu>;

template <class T>
convolution_results<T> run(const convolution_case<T>& c, std::size_t threads, into mode = into::overwrite,
                           T start = 0) {
  on<cpu> place{cpu::stream{threads}};
  convolution_results<T> made{std::vector<T>(c.dy.size(), start), std::vector<T>(c.x.size(), start),
                              std::vector<T>(c.w.size(), start)};
  kernel::forward(place, c.e, c.batch, c.x.data(), c.w.data(), made.y.data());
  kernel::backward_data(place, c.e, c.batch, c.dy.data(), c.w.data(), made.dx.data(), mode);
  kernel::backward_weights(place, c.e, c.batch, c.x.data(), c.dy.data(), made.dw.data());
  return made;
}

// Kernel, stride and padding of ResNets and ViTs, ragged channels, odd sizes, more than one slice of
// channels.
const kernels::convolution_extents extents[] = {{9, 7, 3, 20, 3, 3, 1, 1},  {8, 8, 16, 32, 3, 3, 1, 1},
                                                {7, 9, 5, 33, 3, 3, 2, 1},  {6, 6, 40, 17, 1, 1, 1, 0},
                                                {7, 7, 8, 8, 1, 1, 2, 0},   {14, 14, 3, 8, 7, 7, 2, 3},
                                                {8, 12, 3, 24, 4, 4, 4, 0}, {4, 4, 100, 48, 3, 3, 1, 1}};

}  // namespace

TEST_CASE("in double precision a convolution and its gradients are those of the definition") {
  for (const auto& e : extents) {
    CAPTURE(e.in);
    CAPTURE(e.out);
    const convolution_case<double> c{e, 3};
    const auto expected = c.definition();
    const auto made = run(c, 1);
    CHECK(largest_error(made.y, expected.y) < 1e-13);
    CHECK(largest_error(made.dx, expected.dx) < 1e-13);
    CHECK(largest_error(made.dw, expected.dw) < 1e-13);
  }
}

TEST_CASE("in single precision a convolution and its gradients are those of the definition") {
  for (const auto& e : extents) {
    CAPTURE(e.in);
    CAPTURE(e.out);
    const convolution_case<float> c{e, 9};
    const auto expected = c.definition();
    const auto made = run(c, 1);
    CHECK(largest_error(made.y, expected.y) < 1e-5);
    CHECK(largest_error(made.dx, expected.dx) < 1e-5);
    CHECK(largest_error(made.dw, expected.dw) < 1e-5);
  }
}

TEST_CASE("gradients are added to what is there, the data's only if asked") {
  for (const auto& e : extents) {
    const convolution_case<double> c{e, 2};
    const auto expected = c.definition();
    auto made = run(c, 1, into::accumulate, 5.0);
    for (double& number : made.dx) number -= 5;
    for (double& number : made.dw) number -= 5;
    CHECK(largest_error(made.y, expected.y) < 1e-13);
    CHECK(largest_error(made.dx, expected.dx) < 1e-13);
    CHECK(largest_error(made.dw, expected.dw) < 1e-13);
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
