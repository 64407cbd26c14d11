#include "rounded_operands.hpp"

#include <pretext/cuda.cuh>

#include "tensor_product.hpp"

using namespace pretext;
using namespace pretext::tests;

TEST_CASE("NT-Xent on a GPU's tensor cores is its formula with rounded factors") {
  losses_of_rounded_views<cuda>();
}
TEST_CASE("attention on a GPU's tensor cores is its formula with rounded probabilities") {
  attention_of_rounded_weights<cuda>();
}
TEST_CASE("convolutions on a GPU's tensor cores are exact where sums are") {
  exact_convolutions<on<cuda, bf16>>();
}
TEST_CASE("rows of a GPU's results that end in half of eight leave alone what follows them") {
  rows_that_end_in_half_of_eight<on<cuda, bf16>>();
}
