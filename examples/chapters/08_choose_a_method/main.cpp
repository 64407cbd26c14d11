// Chooses the method and the learning rate at run time (docs/chapters).
#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include <pretext/cpu.hpp>
#include <pretext/data/builtin.hpp>
#include <pretext/data/loader.hpp>
#include <pretext/optimizers/any_optimizer.hpp>
#include <pretext/runtime/any_trainer.hpp>

using namespace pretext;

// [methods]
using images = shape<32, 32, 3>;
using network = resnet18<stem::cifar, 8>;
using optimizers = any_optimizer<sgd, lars, adamw>;

template <class Method, class Views>
std::unique_ptr<any_trainer> make(const optimizers& chosen, const Views& views) {
  return make_any_trainer(std::make_unique<trainer<Method, on<cpu>, optimizers>>(Method{}, chosen), views,
                          whole_image());
}

const std::map<std::string, std::function<std::unique_ptr<any_trainer>(const optimizers&)>> methods{
    {"simclr",
     [](const optimizers& chosen) {
       return make<simclr<images, network>>(chosen, two_views{simclr_cifar()});
     }},
    {"byol",
     [](const optimizers& chosen) {
       const two_views views{byol_augmentation(1, 0), byol_augmentation(.1f, .2f)};
       return make<byol<images, network, byol_head<128, 64>>>(chosen, views);
     }},
};
// [/methods]

int main(int count, char** words) {
  // [train]
  const auto found = methods.find(count > 1 ? words[1] : "");
  if (found == methods.end()) {
    for (const auto& each : methods) std::printf("a method: %s\n", each.first.c_str());
    return 1;
  }
  const auto learner = found->second(optimizers{sgd{.momentum = .9}});
  loader batches{builtin_source{{.count = 256}}, {.batch = 32}};
  double loss = 0;
  for (int step = 0; step < 16; ++step) loss = learner->step(batches.next(), {.learning_rate = .005});
  save_encoder("out/" + found->first + ".safetensors", *learner);
  std::printf("%s: loss %.2f after 16 steps\n", found->first.c_str(), loss);
  // [/train]
}
