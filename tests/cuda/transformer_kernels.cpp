#include "transformer_kernels.hpp"

#include "compare_with_cpu.hpp"

using namespace pretext::tests;

TEST_CASE("layer norm matches the CPU's, forward and backward") { layer_norms<emulated>(); }
TEST_CASE("attention matches the CPU's, forward and backward") { attentions<emulated>(); }
TEST_CASE("GELU matches the CPU's, also in place") { gelus<emulated>(); }
TEST_CASE("operations on selected patches and tokens match the CPU's") { selected_positions<emulated>(); }
TEST_CASE("masks and dropped paths match the CPU's") { masks_and_dropped_paths<emulated>(); }
TEST_CASE("cross-entropy and mixed batches match the CPU's") { classes<emulated>(); }
