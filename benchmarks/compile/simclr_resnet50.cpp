// A typical program of a user: SimCLR with ResNet-50, loader and optimizer.
#include <pretext/cpu.hpp>
#include <pretext/data/builtin.hpp>
#include <pretext/data/loader.hpp>

using namespace pretext;

int main() {
  using images = shape<224, 224, 3>;
  loader batches{builtin_source{{.count = 64, .side = 256}}, {.batch = 4}};
  trainer<simclr<images, resnet50<>>, on<cpu>, lars> learner;
  tensor<float, images, cpu> views{2 * 4};
  const auto batch = batches.next();
  augment(learner.context(), two_views{simclr_imagenet()}, batch.images, batch.samples, 1, batch.epoch,
          views.view());
  return learner.step(views.view(), {.learning_rate = 0.1}) > 0 ? 0 : 1;
}
