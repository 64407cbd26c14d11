#include "transformers.hpp"

#include "compare_with_cpu.hpp"

using namespace pretext::tests;

TEST_CASE("layer norm on a grid is the CPU's, both ways") { layer_norms<emulated>(); }
TEST_CASE("attention in square tiles is the CPU's, both ways") { attentions<emulated>(); }
TEST_CASE("GELU on a grid is the CPU's, in place, too") { gelus<emulated>(); }
TEST_CASE("what is done with chosen places on a grid is what the CPU does") { chosen_positions<emulated>(); }
TEST_CASE("masks and dropped paths on a grid are the CPU's") { masks_and_dropped_paths<emulated>(); }
TEST_CASE("cross-entropy and mixed batches on a grid are the CPU's") { classes<emulated>(); }
