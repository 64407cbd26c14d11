// expects: pretext::trainer: the augmentation makes another number of views of each image than the method
// learns
#include <pretext/cpu.hpp>
#include <pretext/data/loader.hpp>
using namespace pretext;
using method = simclr<shape<32, 32, 3>, resnet18<stem::cifar, 4>>;
double misuse(trainer<method, on<cpu>, sgd>& learner, loader& batches) {
  return learner.step(simclr_cifar(), batches.next(), {.learning_rate = 0.1});
}
