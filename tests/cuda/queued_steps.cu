#include "queued_steps.hpp"

#include <pretext/cuda.cuh>

#include "on_gpu.hpp"

using namespace pretext;
using namespace pretext::tests;

TEST_CASE("steps that a GPU recorded and repeated are launched steps, bit for bit") {
  recorded_steps<cuda>();
}
TEST_CASE("a GPU records a step again when what it was recorded with has changed") {
  steps_recorded_again<cuda>();
}
TEST_CASE("a queued loss that is not a number holds back its update and all after it on the GPU") {
  broken_queued_steps<cuda>();
}
TEST_CASE("repeated steps allocate nothing on the GPU") { repeated_steps_allocate_nothing<cuda>(); }
TEST_CASE("a step that copies from the host is not recorded on the GPU") {
  host_copies_are_not_recorded<cuda>();
}
TEST_CASE("views of resident images on the GPU are the CPU's") {
  record_resident_views();
  resident_views<cuda>();
}
