#include "../evaluate_on.hpp"

#include <pretext/cuda.cuh>

#include "../on_gpu.hpp"

std::unique_ptr<pretext::any_encoder> programs::make_encoder_on_gpu(const recipe& asked) {
  expects_gpu();
  return make_encoder_on<pretext::cuda>(asked, {});
}
