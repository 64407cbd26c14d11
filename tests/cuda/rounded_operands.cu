#include "rounded_operands.hpp"

#include <pretext/cuda.cuh>

#include "tensor_product.hpp"

using namespace pretext;
using namespace pretext::tests;

TEST_CASE("NT-Xent on the GPU's tensor cores equals its formula with rounded operands") {
  losses_of_rounded_views<cuda_gpu>();
}
TEST_CASE("attention on the GPU's tensor cores equals its formula with rounded probabilities") {
  attention_of_rounded_weights<cuda_gpu>();
}
TEST_CASE("attention on the GPU in bfloat16, by cuDNN if there is one, is near its formula") {
  attention_of_rounded_weights<cuda_gpu, kernels::attention<cuda_gpu>>();
}
TEST_CASE("convolutions of small integers on the GPU's tensor cores are exact") {
  exact_convolutions<on<cuda_gpu, bf16>>();
}
TEST_CASE("products on the GPU's tensor cores whose rows end in half a vector write nothing beyond them") {
  rows_ending_in_half_a_vector<on<cuda_gpu, bf16>>();
}
