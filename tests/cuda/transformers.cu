#include "transformers.hpp"

#include <pretext/cuda.cuh>

#include "on_gpu.hpp"

using namespace pretext;
using namespace pretext::tests;

TEST_CASE("layer norm on the GPU is the CPU's, both ways") {
  record_layer_norms();
  layer_norms<cuda>();
}
TEST_CASE("attention on the GPU is the CPU's, both ways") {
  record_attentions();
  attentions<cuda>();
}
TEST_CASE("GELU on the GPU is the CPU's, in place, too") {
  record_gelus();
  gelus<cuda>();
}
TEST_CASE("what is done with chosen places on the GPU is what the CPU does") {
  record_chosen_places();
  chosen_positions<cuda>();
}
TEST_CASE("masks and dropped paths on the GPU are the CPU's") {
  record_masks_and_dropped_paths();
  masks_and_dropped_paths<cuda>();
}
TEST_CASE("cross-entropy and mixed batches on the GPU are the CPU's") {
  record_classes();
  classes<cuda>();
}
