#include "queued_steps.hpp"

#include <pretext/kernels/gpu/operations.hpp>

#include "compare_with_cpu.hpp"

using namespace pretext::tests;

template <>
std::size_t pretext::tests::memory_mark<emulated>() {
  return emulated::allocations();
}

TEST_CASE("steps that were recorded and repeated are launched steps, bit for bit") {
  recorded_steps<emulated>();
}
TEST_CASE("batches that a device makes by itself are those of a loader") {
  fed_steps<pretext::on<emulated>>();
}
TEST_CASE("a step is recorded again when what it was recorded with has changed") {
  steps_recorded_again<emulated>();
}
TEST_CASE("a queued loss that is not a number holds back its update and all after it") {
  broken_queued_steps<emulated>();
}
TEST_CASE("repeated steps allocate nothing") { repeated_steps_allocate_nothing<emulated>(); }
TEST_CASE("a step that copies from the host is not recorded") { host_copies_are_not_recorded<emulated>(); }
TEST_CASE("views of resident images on a grid are the CPU's") { resident_views<emulated>(); }
