#include "whole_steps.hpp"

std::unique_ptr<benchmarks::timed_work> benchmarks::simclr_resnet18(std::size_t batch) {
  using namespace pretext;
  using method = simclr<shape<32, 32, 3>, resnet18<stem::cifar>>;
  return make_steps<method, 32>(batch, method{}, lars{}, two_views{simclr_cifar<multiplicative_brightness>()},
                                0.1);
}
