#include "training_steps.hpp"

#include <pretext/cuda.cuh>

#include "on_gpu.hpp"

using namespace pretext;
using namespace pretext::tests;

template <>
std::size_t pretext::tests::memory_mark<cuda_gpu>() {
  std::size_t free = 0, total = 0;
  cudaMemGetInfo(&free, &total);
  return free;
}

TEST_CASE("SimCLR and BYOL on the GPU learn what the CPU learns") {
  record_joint_embedding_steps();
  joint_embedding_steps<cuda_gpu>();
}
TEST_CASE("MAE, SimMIM and fine-tuning on the GPU learn what the CPU learns") {
  record_transformer_steps();
  transformer_steps<cuda_gpu>();
}
TEST_CASE("SimCLR on tensor cores stays close to what the CPU learns") {
  record_rounded_steps();
  rounded_steps<cuda_gpu>();
}
TEST_CASE("sums of deferred losses on the GPU match the CPU's") {
  record_sums_of_losses();
  sums_of_losses<cuda_gpu>();
}
TEST_CASE("a NaN loss changes nothing on the GPU") { nan_steps<cuda_gpu>(); }
TEST_CASE("a step on the GPU allocates nothing once it has run twice") { steps_allocate_nothing<cuda_gpu>(); }
TEST_CASE("a step repeated on the GPU gives identical bits") {
  const auto once = train<on<cuda_gpu>, small_byol>(lars{}, 5, 3);
  CHECK(once == train<on<cuda_gpu>, small_byol>(lars{}, 5, 3));
}
