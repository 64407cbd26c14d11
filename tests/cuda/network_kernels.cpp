#include "network_kernels.hpp"

#include "compare_with_cpu.hpp"

using namespace pretext::tests;

TEST_CASE("elementwise kernels match the CPU's") { elementwise_kernels<emulated>(); }
TEST_CASE("tiled matrix products match the CPU's") { matrix_products<emulated>(); }
TEST_CASE("linear layers match the CPU's and use epilogues and fused GELUs where the library has them") {
  const auto products = fused_products(), gelus = fused_gelus();
  linear_layers<emulated>();
  // In float and in bfloat16 two of the four extents have aligned rows: 3 forward epilogues and one bias
  // gradient there, and in bfloat16 two GELUs and a gradient. All of it twice, because threads run in both
  // orders.
  CHECK(fused_products() == products + 2 * 2 * 2 * (3 + 1));
  CHECK(fused_gelus() == gelus + 2 * 2 * (2 + 1));
}
TEST_CASE("convolutions and their gradients match the CPU's") { convolutions<emulated>(); }
TEST_CASE("batch norm matches the CPU's, forward and backward") { batch_norms<emulated>(); }
TEST_CASE("pooling matches the CPU's, forward and backward") { pooling<emulated>(); }
TEST_CASE("losses of views and their gradients match the CPU's") { losses_of_views<emulated>(); }
TEST_CASE("losses that are compositions of operations match the CPU's") { composed_losses<emulated>(); }
TEST_CASE("optimizer steps match the CPU's") { optimizer_steps<emulated>(); }
TEST_CASE("clipped gradients match the CPU's") { clipped_gradients<emulated>(); }
