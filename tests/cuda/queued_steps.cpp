#include "queued_steps.hpp"

#include <pretext/kernels/gpu/operations.hpp>

#include "compare_with_cpu.hpp"

using namespace pretext::tests;

template <>
std::size_t pretext::tests::memory_mark<emulated>() {
  return emulated::allocations();
}

TEST_CASE("replayed steps equal launched steps bit for bit") { recorded_steps<emulated>(); }
TEST_CASE("batches drawn on the device equal a loader's") { loader_steps<pretext::on<emulated>>(); }
TEST_CASE("a step is recorded again when a recorded value has changed") { steps_recorded_again<emulated>(); }
TEST_CASE("a queued NaN loss blocks its update and all later ones") { nan_queued_steps<emulated>(); }
TEST_CASE("replayed steps allocate nothing") { repeated_steps_allocate_nothing<emulated>(); }
TEST_CASE("a step that copies from the host is not recorded") { host_copies_cannot_be_recorded<emulated>(); }
TEST_CASE("views of images in device memory match the CPU's") { device_dataset_views<emulated>(); }
