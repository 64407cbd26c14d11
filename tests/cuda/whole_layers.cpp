#include "whole_layers.hpp"

#include "compare_with_cpu.hpp"

using namespace pretext::tests;

TEST_CASE("layers that normalise rows match the CPU's") { normalised_rows<emulated>(); }
TEST_CASE("convolutions with batch norm match the CPU's, and sum their results where the library does") {
  const auto before = summing_convolutions();
  normalised_convolutions<emulated>();
  CHECK(summing_convolutions() == before + 2 * 4);  // in bfloat16, with threads in both orders
}
TEST_CASE("depthwise convolutions match the CPU's") { depthwise_convolutions<emulated>(); }
TEST_CASE("parts of mobile networks match the CPU's") { parts_of_mobile_networks<emulated>(); }
TEST_CASE("parts of vision transformers match the CPU's") { parts_of_transformers<emulated>(); }
