// expects: pretext::step_queue: its batches must have images() and a call (trainer, const step_state*)
#include <vector>

#include <pretext/cpu.hpp>
#include <pretext/training/step_queue.hpp>
using namespace pretext;
using images = shape<32, 32, 3>;
using learner = trainer<simclr<images, resnet18<stem::cifar, 4>>, on<cpu>, sgd>;
void misuse(learner& trained, const std::vector<tensor<float, images, cpu>>& batches) {
  step_queue queue{trained, &batches};
}
