#include <pretext/cuda.cuh>

#include "cuda/networks.hpp"

using namespace pretext;
using namespace pretext::tests;

TEST_CASE("elementwise kernels on the GPU compute what the CPU's do") { elementwise_kernels<cuda>(); }
TEST_CASE("matrix products on the GPU are the CPU's") { matrix_products<cuda>(); }
TEST_CASE("linear layers on the GPU are the CPU's") { linear_layers<cuda>(); }
TEST_CASE("convolutions on the GPU are the CPU's, both ways") { convolutions<cuda>(); }
TEST_CASE("batch norm on the GPU is the CPU's, both ways") { batch_norms<cuda>(); }
TEST_CASE("pooling on the GPU is the CPU's, both ways") { pooling<cuda>(); }
TEST_CASE("losses of views on the GPU are the CPU's") { losses_of_views<cuda>(); }
TEST_CASE("an optimizer's step on the GPU is the CPU's") { optimizer_steps<cuda>(); }
