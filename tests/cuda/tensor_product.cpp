#include "tensor_product.hpp"

#include "emulated.hpp"

using namespace pretext;
using namespace pretext::tests;
using context = on<emulated, bf16>;

TEST_CASE("convolutions on tensor cores are exact where sums are") {
  for (const bool backwards : {false, true}) exact_convolutions<context>({.backwards = backwards});
}
TEST_CASE("rows of results that end in half of eight leave alone what follows them") {
  for (const bool backwards : {false, true})
    rows_that_end_in_half_of_eight<context>({.backwards = backwards});
}
TEST_CASE("what lies at odd addresses is multiplied number by number") {
  const extents e{6, 6, 8, 16, 3, 3, 1, 1};
  workbench<context> at;
  using convolution = grid::implicit_gemm<emulated>;
  const auto x = whole_numbers(images(e) + 1, 1), w = whole_numbers(e.weights() + 1, 2);
  convolution::forward(at.context, e, 1, at.in(x) + 1, at.in(w) + 1, at.out(results_of(e) + 1) + 1);
  std::vector<float> exact(results_of(e));
  each_multiplication(e, 1, [&](std::size_t pixel, std::size_t weight, std::size_t result) {
    exact[result] += static_cast<float>(x[pixel + 1]) * static_cast<float>(w[weight + 1]);
  });
  auto found = at.results();
  found[0].erase(found[0].begin());
  are_exact(found, {stored(exact)});
}

TEST_CASE("a sum without terms is nothing, or what was there") {
  context here;
  const grid::matrix<bfloat16> none{nullptr, 0};
  std::vector<float> c(12, 7);
  grid::tensor_multiply(here, {3, 4, 0}, none, none, c.data(), kernels::write_mode::accumulate);
  CHECK(c == std::vector<float>(12, 7));
  grid::tensor_multiply(here, {3, 4, 0}, none, none, c.data(), kernels::write_mode::overwrite);
  CHECK(c == std::vector<float>(12, 0));
}
