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

namespace {

// [part]
/// The images of a shard: the batch is cut into equal parts.
loader::batch part_of(const loader::batch& whole, const distributed::communicator<cpu>& communicator) {
  const std::size_t images = whole.images.size() / communicator.shards();
  const std::size_t first = communicator.shard() * images;
  return {.epoch = whole.epoch,
          .number = whole.number,
          .images = whole.images.subspan(first, images),
          .samples = whole.samples.subspan(first, images),
          .seed = whole.seed};
}
// [/part]

}  // namespace

int main() {
  std::vector<double> losses(2);
  // [train]
  distributed::threads engine{2};  // two ranks
  engine.run([&](distributed::threads::rank_type& rank) {
    distributed::shards held{rank, 2};  // every batch is cut into two shards, one for each rank
    held.run([&](distributed::communicator<cpu>& communicator) {
      trainer<method, on<cpu>, sgd> trainer{{}, {.momentum = 0.9}, {.seed = 1}};
      trainer.context().communicator = &communicator;
      loader batches{builtin_source{{.count = 64}}, {.batch = 16}};
      const two_views views{augmentation{random_resized_crop<>{}, horizontal_flip{}}};
      for (int step = 0; step < 4; ++step)
        losses[communicator.shard()] =
            trainer.step(views, part_of(batches.next(), communicator), {.learning_rate = 0.05});
    });
  });
  // [/train]
  std::printf("the loss of the whole batch, the same from both ranks: %.3f %.3f\n", losses[0], losses[1]);
  return losses[0] == losses[1] ? 0 : 1;
}
