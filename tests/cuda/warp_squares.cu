#include "warp_squares.hpp"

#include <pretext/cuda.cuh>

using namespace pretext;
using namespace pretext::tests;

TEST_CASE("a warp of the GPU multiplies squares, as they are or transposed") { multiply_squares<cuda_gpu>(); }
