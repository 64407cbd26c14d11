#include "whole_steps.hpp"

std::unique_ptr<benchmarks::timed_work> benchmarks::simclr_resnet50(std::size_t batch) {
  using namespace pretext;
  using method = simclr<shape<224, 224, 3>, resnet50<>>;
  return make_steps<method, 256>(batch, method{}, lars{},
                                 two_views{simclr_imagenet<multiplicative_brightness>()}, 0.1);
}
