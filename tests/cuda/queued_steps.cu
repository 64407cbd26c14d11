#include "queued_steps.hpp"

#include <pretext/cuda.cuh>

#include "on_gpu.hpp"
#include "values_by_step.hpp"

using namespace pretext;
using namespace pretext::tests;

TEST_CASE("replayed steps on the GPU equal launched steps bit for bit") { recorded_steps<cuda_gpu>(); }
TEST_CASE("a step is recorded again on the GPU when a recorded value has changed") {
  steps_recorded_again<cuda_gpu>();
}
TEST_CASE("a step replayed on the GPU has the rates, frozen groups, decay and loss values of its number") {
  record_values_by_step();
  values_by_step<cuda_gpu>();
}
TEST_CASE("a queued NaN loss blocks its update and all later ones on the GPU") {
  nan_queued_steps<cuda_gpu>();
}
TEST_CASE("replayed steps allocate nothing on the GPU") { repeated_steps_allocate_nothing<cuda_gpu>(); }
TEST_CASE("a step that copies from the host is not recorded on the GPU") {
  host_copies_cannot_be_recorded<cuda_gpu>();
}
TEST_CASE("views of images in GPU memory match the CPU's") {
  record_device_dataset_views();
  device_dataset_views<cuda_gpu>();
}
