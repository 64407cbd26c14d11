// Spells SimCLR as a list of policies and trains BYOL (docs/concepts.md).
#include <concepts>
#include <cstdio>

#include <pretext/cpu.hpp>
#include <pretext/data/builtin.hpp>
#include <pretext/data/loader.hpp>

using namespace pretext;

// [policies]
using images = shape<32, 32, 3>;
using network = resnet18<stem::cifar, 8>;  // features of 64 values

// simclr<images, network, head> is short for this:
using head = simclr_head<64>;
using method = joint_embedding<images, encoder<network>, projector<head>, loss<nt_xent>>;
// [/policies]
static_assert(std::same_as<simclr<images, network, head>, method>);

int main() {
  // [byol]
  trainer<byol<images, network, byol_head<128, 64>>, on<cpu>, sgd> trainer{
      {},                         // the method's hyper-parameters: BYOL's defaults
      {.momentum = 0.9},          // the optimizer's
      {.seed = 1, .threads = 2},  // the run's
  };
  loader batches{builtin_source{{.count = 256}}, {.batch = 32}};
  constexpr int steps = 16;
  const cosine_schedule rate{.peak = 0.05, .length = steps};
  const cosine_momentum_schedule momentum{.base = 0.99, .length = steps};
  const two_views views{byol_augmentation(1, 0), byol_augmentation(.1f, .2f)};  // T and T'

  for (int step = 0; step < steps; ++step) {
    const double loss =
        trainer.step(views, batches.next(), {.learning_rate = rate(step), .target_momentum = momentum(step)});
    std::printf("step %d  loss %.3f\n", step + 1, loss);
  }
  // [/byol]
}
