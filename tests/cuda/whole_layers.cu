#include <pretext/cuda.cuh>

#include "on_gpu.hpp"
#include "whole_layers.hpp"

using namespace pretext;
using namespace pretext::tests;

TEST_CASE("layers that normalise rows on the GPU match the CPU's") {
  record_normalised_rows();
  normalised_rows<cuda_gpu>();
}
TEST_CASE("convolutions with batch norm on the GPU match the CPU's") {
  record_normalised_convolutions();
  normalised_convolutions<cuda_gpu>();
}
TEST_CASE("parts of vision transformers on the GPU match the CPU's") {
  record_parts_of_transformers();
  parts_of_transformers<cuda_gpu>();
}
TEST_CASE("parts of mobile networks on the GPU match the CPU's") {
  record_parts_of_mobile_networks();
  parts_of_mobile_networks<cuda_gpu>();
}
TEST_CASE("depthwise convolutions on the GPU match the CPU's") {
  record_depthwise_convolutions();
  depthwise_convolutions<cuda_gpu>();
}
