// expects: pretext::trainer: a step's batch must be an ImageBatch such as loader::next returns
#include <cstdint>
#include <vector>

#include <pretext/core/image.hpp>
#include <pretext/cpu.hpp>
using namespace pretext;
struct some_images {
  std::vector<image> images;
  std::vector<std::uint64_t> samples;
};
using method = simclr<shape<32, 32, 3>, resnet18<stem::cifar, 4>>;
double misuse(trainer<method, on<cpu>, sgd>& learner, const some_images& batch) {
  return learner.step(two_views{simclr_cifar()}, batch, {.learning_rate = 0.1});
}
