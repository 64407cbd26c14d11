#include "simclr_resnet18.hpp"

#include <pretext/cuda.cuh>

std::unique_ptr<pretext::any_trainer> make_simclr_resnet18(std::uint64_t seed) {
  using namespace pretext;
  using method = simclr<shape<32, 32, 3>, resnet18<stem::cifar>>;
  using learner = trainer<method, on<cuda_gpu>, lars>;
  return make_any_trainer(
      std::make_unique<learner>(method{.loss = {.temperature = 0.2}}, lars{.weight_decay = 1e-6}, seed),
      two_views{simclr_cifar()}, whole_image());
}
