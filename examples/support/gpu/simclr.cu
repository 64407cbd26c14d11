#include "../simclr_on.hpp"

#include <pretext/cuda.cuh>

#include "../on_gpu.hpp"

std::unique_ptr<pretext::any_trainer> programs::make_simclr_on_gpu(const recipe& asked) {
  expects_gpu();
  return make_simclr_on<pretext::cuda>(asked, {});
}
