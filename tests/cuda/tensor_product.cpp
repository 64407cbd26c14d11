#include "tensor_product.hpp"

#include "emulated.hpp"

using namespace pretext;
using namespace pretext::tests;
using context = on<emulated, bf16>;

TEST_CASE("convolutions of small integers on tensor cores are exact") {
  for (const bool backwards : {false, true}) exact_convolutions<context>({.backwards = backwards});
}
TEST_CASE("products whose rows end in half a vector write nothing beyond them") {
  for (const bool backwards : {false, true}) rows_ending_in_half_a_vector<context>({.backwards = backwards});
}
TEST_CASE("unaligned operands are multiplied element by element") {
  const extents e{6, 6, 8, 16, 3, 3, 1, 1};
  workbench<context> at;
  using convolution = grid::implicit_gemm<emulated>;
  const auto x = small_integers(images(e) + 1, 1), w = small_integers(e.weights() + 1, 2);
  convolution::forward(at.context, e, 1, at.in(x) + 1, at.in(w) + 1, at.out(results_of(e) + 1) + 1);
  std::vector<float> expected(results_of(e));
  for_each_multiplication(e, 1, [&](std::size_t pixel, std::size_t weight, std::size_t result) {
    expected[result] += static_cast<float>(x[pixel + 1]) * static_cast<float>(w[weight + 1]);
  });
  auto found = at.results();
  found[0].erase(found[0].begin());
  check_exact(found, {as_bfloat16(expected)});
}

TEST_CASE("a product of depth zero clears its result or leaves it as it was") {
  context context_of_test;
  const grid::matrix<bfloat16> none{nullptr, 0};
  std::vector<float> c(12, 7);
  grid::tensor_multiply(context_of_test, {3, 4, 0}, none, none, c.data(), kernels::write_mode::accumulate);
  CHECK(c == std::vector<float>(12, 7));
  grid::tensor_multiply(context_of_test, {3, 4, 0}, none, none, c.data(), kernels::write_mode::overwrite);
  CHECK(c == std::vector<float>(12, 0));
}
