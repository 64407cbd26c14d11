#include "../finetune_on.hpp"

#include <pretext/cuda.cuh>

#include "../on_gpu.hpp"

std::unique_ptr<pretext::any_classifier> programs::make_classifier_on_gpu(const recipe& asked,
                                                                          std::size_t classes) {
  expects_gpu();
  return make_classifier_on<pretext::cuda>(asked, classes, {});
}
