// Trains on the ranks that mpirun has started, each with a GPU (docs/distributed.md).
#include <cstdio>

#include <pretext/cuda.cuh>
#include <pretext/data/builtin.hpp>
#include <pretext/data/loader.hpp>
#include <pretext/distributed/device_shards.hpp>
#include <pretext/distributed/launch.hpp>
#include <pretext/distributed/mpi.hpp>
#include <pretext/distributed/nccl.hpp>
#include <pretext/pretext.hpp>

using namespace pretext;
using method = simclr<shape<16, 16, 3>, resnet18<stem::cifar, 4>>;

int main() {
  int gpus = 0;
  if (cudaGetDeviceCount(&gpus) != cudaSuccess) return 77;
  // [train]
  const auto started = distributed::launch_from_environment();
  distributed::mpi hosts;  // or nccl_id_at("10.0.0.1:29501"), where an address is all that the ranks share
  distributed::nccl engine{distributed::nccl_id_over(hosts),
                           {.rank = hosts.rank(),
                            .ranks = hosts.ranks(),
                            .device = int(distributed::gpu_of(started, std::size_t(gpus))),
                            .host = hosts.host()}};
  distributed::device_shards<cuda_gpu, distributed::nccl> held{engine, 2};  // two shards of every batch
  held.run([&](distributed::communicator<cuda_gpu>& communicator) {
    trainer<method, on<cuda_gpu>, sgd> trainer{{}, {.momentum = 0.9}, {.seed = 1}};
    trainer.context().communicator = &communicator;
    loader batches{builtin_source{{.count = 64}},
                   {.batch = 16, .shard = communicator.shard(), .shards = communicator.shards()}};
    const two_views views{augmentation{random_resized_crop<>{}, horizontal_flip{}}};
    const double loss = trainer.step(views, batches.next(), {.learning_rate = 0.05});
    std::printf("shard %zu: the loss of the whole batch is %.3f\n", communicator.shard(), loss);
  });
  // [/train]
}
