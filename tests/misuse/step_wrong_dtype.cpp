// expects: pretext: the elements of these views have another type than the context's activations
#include <pretext/cpu.hpp>
using namespace pretext;
using images = shape<32, 32, 3>;
using method = simclr<images, resnet18<stem::cifar, 4>>;
double misuse(trainer<method, on<cpu, fp64>, sgd>& learner, tensor<float, images, cpu>& views) {
  return learner.step(views, {.learning_rate = 0.1});
}
