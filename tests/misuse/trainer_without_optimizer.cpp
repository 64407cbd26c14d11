// expects: pretext::trainer: its third argument must be an Optimizer such as sgd
#include <pretext/cpu.hpp>
using namespace pretext;
struct descent {
  double rate = 0.1;
};
void misuse(trainer<simclr<shape<32, 32, 3>, resnet18<stem::cifar, 4>>, on<cpu>, descent>& learner) {
  learner.wait_loss();
}
