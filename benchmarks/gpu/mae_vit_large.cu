#include "whole_steps.hpp"

std::unique_ptr<benchmarks::timed_work> benchmarks::mae_vit_large(std::size_t batch) {
  using namespace pretext;
  return make_steps<mae_vit_large_16, 256>(batch, mae_vit_large_16{}, adamw{.weight_decay = .05},
                                           mae_augmentation(), 1e-4);
}
