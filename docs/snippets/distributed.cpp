// Trains on two ranks, which are threads of this process (docs/distributed.md).
#include <cstdio>
#include <vector>

#include <pretext/cpu.hpp>
#include <pretext/data/builtin.hpp>
#include <pretext/data/loader.hpp>
#include <pretext/distributed/shards.hpp>
#include <pretext/distributed/threads.hpp>

using namespace pretext;
using method = simclr<shape<16, 16, 3>, resnet18<stem::cifar, 4>>;

int main() {
  std::vector<double> losses(2);
  // [train]
  distributed::threads engine{2};  // two ranks
  engine.run([&](distributed::threads::rank_type& rank) {
    distributed::shards held{rank, 2};  // every batch is cut into two shards, one for each rank
    held.run([&](distributed::communicator<cpu>& communicator) {
      trainer<method, on<cpu>, sgd> trainer{{}, {.momentum = 0.9}, {.seed = 1}};
      trainer.context().communicator = &communicator;
      loader batches{builtin_source{{.count = 64}},
                     {.batch = 16, .shard = communicator.shard(), .shards = communicator.shards()}};
      const two_views views{augmentation{random_resized_crop<>{}, horizontal_flip{}}};
      for (int step = 0; step < 4; ++step)
        losses[communicator.shard()] = trainer.step(views, batches.next(), {.learning_rate = 0.05});
    });
  });
  // [/train]
  std::printf("the loss of the whole batch, the same from both ranks: %.3f %.3f\n", losses[0], losses[1]);
  return losses[0] == losses[1] ? 0 : 1;
}
