#include "networks.hpp"

#include "compare_with_cpu.hpp"

using namespace pretext::tests;

TEST_CASE("elementwise kernels of a grid compute what the CPU's do") { elementwise_kernels<emulated>(); }
TEST_CASE("matrix products in tiles are the CPU's") { matrix_products<emulated>(); }
TEST_CASE("linear layers on a grid are the CPU's, and end in their sums where a product can") {
  const auto ended = fused_products();
  linear_layers<emulated>();
  // In float and in bfloat16, one of three extents has whole rows: three sums there, and the gradient of one
  // bias. All of it twice, since threads go both ways.
  CHECK(fused_products() == ended + 2 * 2 * (3 + 1));
}
TEST_CASE("implicit products are convolutions and their gradients") { convolutions<emulated>(); }
TEST_CASE("batch norm on a grid is the CPU's, both ways") { batch_norms<emulated>(); }
TEST_CASE("pooling on a grid is the CPU's, both ways") { pooling<emulated>(); }
TEST_CASE("losses of views and their gradients are the CPU's") { losses_of_views<emulated>(); }
TEST_CASE("an optimizer's step on a grid is the CPU's") { optimizer_steps<emulated>(); }
