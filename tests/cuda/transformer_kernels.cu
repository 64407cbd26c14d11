#include "transformer_kernels.hpp"

#include <pretext/cuda.cuh>

#include "on_gpu.hpp"

using namespace pretext;
using namespace pretext::tests;

TEST_CASE("layer norm on the GPU matches the CPU's, forward and backward") {
  record_layer_norms();
  layer_norms<cuda_gpu>();
}
TEST_CASE("attention on the GPU matches the CPU's, forward and backward") {
  record_attentions();
  attentions<cuda_gpu>();
}
TEST_CASE("GELU on the GPU matches the CPU's, also in place") {
  record_gelus();
  gelus<cuda_gpu>();
}
TEST_CASE("operations on selected patches and tokens on the GPU match the CPU's") {
  record_selected_positions();
  selected_positions<cuda_gpu>();
}
TEST_CASE("masks and dropped paths on the GPU match the CPU's") {
  record_masks_and_dropped_paths();
  masks_and_dropped_paths<cuda_gpu>();
}
TEST_CASE("cross-entropy and mixed batches on the GPU match the CPU's") {
  record_classes();
  classes<cuda_gpu>();
}
