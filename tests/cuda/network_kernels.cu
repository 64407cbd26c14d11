#include <pretext/cuda.cuh>

#include "kernels/operations.hpp"
#include "network_kernels.hpp"
#include "on_gpu.hpp"

using namespace pretext;
using namespace pretext::tests;

TEST_CASE("the GPU implements every operation in every numerics") {
  CHECK(implements_every_numerics<cuda_gpu>());
}
TEST_CASE("elementwise kernels on the GPU match the CPU's") {
  record_elementwise_kernels();
  elementwise_kernels<cuda_gpu>();
}
TEST_CASE("matrix products on the GPU match the CPU's") {
  record_matrix_products();
  matrix_products<cuda_gpu>();
}
TEST_CASE("linear layers on the GPU match the CPU's") {
  record_linear_layers();
  linear_layers<cuda_gpu>();
}
TEST_CASE("convolutions on the GPU match the CPU's, forward and backward") {
  record_convolutions();
  convolutions<cuda_gpu>();
}
TEST_CASE("batch norm on the GPU matches the CPU's, forward and backward") {
  record_batch_norms();
  batch_norms<cuda_gpu>();
}
TEST_CASE("pooling on the GPU matches the CPU's, forward and backward") {
  record_pooling();
  pooling<cuda_gpu>();
}
TEST_CASE("losses of views on the GPU match the CPU's") {
  record_losses_of_views();
  losses_of_views<cuda_gpu>();
}
TEST_CASE("losses that are compositions of operations match the CPU's on the GPU") {
  record_composed_losses();
  composed_losses<cuda_gpu>();
}
TEST_CASE("optimizer steps on the GPU match the CPU's") {
  record_optimizer_steps();
  optimizer_steps<cuda_gpu>();
}
TEST_CASE("clipped gradients on the GPU match the CPU's") {
  record_clipped_gradients();
  clipped_gradients<cuda_gpu>();
}
