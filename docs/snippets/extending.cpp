// Trains a method that is made of our own parts (docs/extending.md).
#include <cmath>
#include <cstdio>

#include <pretext/data/builtin.hpp>
#include <pretext/data/loader.hpp>

#include "parts.hpp"

using namespace pretext;

int main() {
  // [train]
  trainer<mine::method, on<cpu>, sgd> trainer{
      {.loss = nt_xent{.temperature = 0.2} + 0.1 * mine::alignment{}}, {.momentum = 0.9}, {.seed = 1}};
  loader batches{builtin_source{{.count = 256}}, {.batch = 32}};
  const two_views views{
      augmentation{random_resized_crop<>{}, horizontal_flip{}, mine::invert{.probability = .2f}}};

  for (int step = 0; step < 10; ++step) {
    const double loss = trainer.step(views, batches.next(), {.learning_rate = 0.05});
    std::printf("step %d  loss %.3f\n", step + 1, loss);
  }
  // [/train]
}
