#include "trainers.hpp"

#include <functional>

#include <pretext/cpu.hpp>

namespace programs {
namespace {

using namespace pretext;
using optimizer = one_of<sgd, lars, adamw>;

optimizer make_optimizer(const recipe& asked) {
  if (asked.optimizer == "sgd")
    return {sgd{.momentum = asked.momentum, .nesterov = asked.nesterov, .weight_decay = asked.weight_decay}};
  if (asked.optimizer == "lars")
    return {lars{.momentum = asked.momentum, .weight_decay = asked.weight_decay}};
  if (asked.optimizer == "adamw") return {adamw{.weight_decay = asked.weight_decay}};
  fail("--optimizer ", asked.optimizer, " is not known; choose sgd, lars or adamw");
}

normalise make_normalisation(const recipe& asked) {
  if (asked.normalisation == "cifar") return {{.4914f, .4822f, .4465f}, {.2470f, .2435f, .2616f}};
  if (asked.normalisation == "imagenet") return {};
  if (asked.normalisation == "none") return {{0, 0, 0}, {1, 1, 1}};
  fail("--normalise ", asked.normalisation, " is not known; choose none, cifar or imagenet");
}

/// One view: SimCLR's transformations with torchvision's formulas; blur is for images above 32 pixels (App.
/// B.9).
template <std::size_t Size>
auto make_view(const recipe& asked) {
  const auto s = static_cast<float>(asked.jitter);
  return augmentation{
      random_resized_crop<retried_box>{.area = {static_cast<float>(asked.minimum_area), 1},
                                       .method = interpolation::bilinear},
      horizontal_flip{},
      torchvision_jitter{.brightness = .8f * s, .contrast = .8f * s, .saturation = .8f * s, .hue = .2f * s},
      grayscale{},
      gaussian_blur{.probability = Size > 32 ? .5f : 0.f},
      make_normalisation(asked)};
}

/// Evaluation sees the whole of a small image, and the centre of a large one after its shorter side was
/// resized.
template <std::size_t Size>
auto make_evaluation(const recipe& asked) {
  if constexpr (Size <= 32)
    return augmentation{resized{}, make_normalisation(asked)};
  else
    return augmentation{resized_central_crop{.shorter_side = Size * 8 / 7}, make_normalisation(asked)};
}

template <class Encoder, std::size_t Size>
std::unique_ptr<any_trainer> make(const recipe& asked, std::size_t threads) {
  // Torch's start for the head: N(0, 0.01) is meant for LARS, and under batch norm it multiplies SGD's
  // effective rate.
  constexpr std::size_t width = output_of<Encoder, shape<Size, Size, 3>>::size;
  using method = simclr<shape<Size, Size, 3>, Encoder, simclr_head<width, 128, affine::scale, torch_default>>;
  using learner = trainer<method, on<cpu>, optimizer>;
  const two_views views{make_view<Size>(asked)};
  const auto evaluation = make_evaluation<Size>(asked);
  auto made =
      std::make_unique<learner>(method{.compare = {.temperature = static_cast<float>(asked.temperature)}},
                                make_optimizer(asked), asked.seed, cpu::stream{threads});
  return std::make_unique<
      erased_trainer<learner, std::decay_t<decltype(views)>, std::decay_t<decltype(evaluation)>>>(
      std::move(made), views, evaluation);
}

struct entry {
  encoder_choice choice;
  std::unique_ptr<any_trainer> (*make)(const recipe&, std::size_t);
};

const std::vector<entry>& registry() {
  static const std::vector<entry> all{
      {{"resnet18-thin", 32, "width 16, 3x3 stem, 0.7 M parameters"}, make<resnet18<stem::cifar, 16>, 32>},
      {{"resnet18", 32, "3x3 stem, 11.2 M parameters"}, make<resnet18<stem::cifar>, 32>},
      {{"resnet50", 32, "3x3 stem, 23.5 M parameters"}, make<resnet50<stem::cifar>, 32>},
      {{"resnet18", 96, "7x7 stem, 11.2 M parameters"}, make<resnet18<>, 96>},
      {{"resnet18", 224, "7x7 stem, 11.2 M parameters"}, make<resnet18<>, 224>},
      {{"resnet50", 224, "7x7 stem, 23.5 M parameters"}, make<resnet50<>, 224>},
  };
  return all;
}

}  // namespace

std::vector<encoder_choice> encoders() {
  std::vector<encoder_choice> names;
  for (const entry& e : registry()) names.push_back(e.choice);
  return names;
}

std::unique_ptr<pretext::any_trainer> make_simclr(const recipe& asked, std::size_t threads) {
  std::string known;
  for (const auto& [choice, make_it] : registry()) {
    if (choice.name == asked.encoder && choice.image_size == asked.image_size) return make_it(asked, threads);
    known += sentence("\n  ", choice.name, " at ", choice.image_size, " pixels");
  }
  fail("encoder ", asked.encoder, " at ", asked.image_size,
       " pixels was not compiled into this program; it has:", known,
       "\nadd a line to the registry in examples/support/trainers.cpp for another one");
}

}  // namespace programs
