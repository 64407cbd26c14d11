// Checks and trains a method that is made of our own parts (docs/chapters).
#include <cstdio>
#include <vector>

#include <pretext/data/builtin.hpp>
#include <pretext/data/loader.hpp>
#include <pretext/layers/check_gradient.hpp>
#include <pretext/losses/check_loss.hpp>
#include <pretext/training/check_method.hpp>

#include "parts.hpp"

using namespace pretext;

namespace {

void say(const char* what, bool right, const std::string& otherwise) {
  std::printf("%-30s %s\n", what, right ? "right" : otherwise.c_str());
}

/// The first value of the view of a white image.
float view_of_white(float probability) {
  const std::vector<std::uint8_t> white(12, 255);
  const std::vector<image_view> images{view_of(white.data(), 2, 2, 3)};
  const std::vector<std::uint64_t> samples{0};
  on<cpu> context;
  tensor<float, shape<2, 2, 3>, cpu> view{1};
  // [augment]
  augment(context, augmentation{mine::invert{probability}}, images, samples, 1, 0, view.view());
  // [/augment]
  return view.view().data[0];
}

}  // namespace

int main() {
  // [checks]
  const auto layer = check_layer<mine::squared_relu, shape<6>>();
  const auto network = check_layer<mine::small_encoder, shape<8, 8, 3>>();
  const auto loss = check_loss<5>(mine::alignment{.weight = .7});
  const auto whole = check_method(mine::tiny_method{});  // every parameter, through the loss and back
  say("gradient of the layer", layer.error < 1e-7, layer.text());
  say("gradient of the encoder", network.error < 1e-6, network.text());
  say("gradient of the loss", loss.error < 1e-7, loss.text());
  say("gradient of the method", whole.error < 1e-5, whole.text());
  // [/checks]
  say("the augmentation inverts", view_of_white(1) < .001f && view_of_white(0) > .999f, "wrong");

  // [train]
  trainer<mine::method, on<cpu>, sgd> trainer{
      {.loss = nt_xent{.temperature = 0.2} + 0.1 * mine::alignment{}}, {.momentum = 0.9}, {.seed = 1}};
  loader batches{builtin_source{{.count = 256}}, {.batch = 32}};
  const two_views views{
      augmentation{random_resized_crop<>{}, horizontal_flip{}, mine::invert{.probability = .2f}}};

  for (int step = 1; step <= 20; ++step) {
    const double value = trainer.step(views, batches.next(), {.learning_rate = 0.05});
    if (step % 10 == 0) std::printf("step %d  loss %.2f\n", step, value);
  }
  // [/train]
}
