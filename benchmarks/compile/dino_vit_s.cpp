// A program with views of two sizes: DINO's published recipe with ViT-S/16, two crops of 224 pixels and eight
// of 96.
#include <pretext/cpu.hpp>
#include <pretext/data/builtin.hpp>
#include <pretext/data/loader.hpp>
#include <pretext/methods/dino.hpp>

using namespace pretext;

using crop_sizes = multi_crop<crops<2, shape<224, 224, 3>>, crops<8, shape<96, 96, 3>>>;
using method = dino<crop_sizes, vit_small<16, with_grid<dino_pretraining, shape<224, 224, 3>>>>;

/// DINO's distributions: crops of these fractions of the area, colors, blur and solarization.
auto views_of(value_range area, float blur, float solarization) {
  return augmentation{
      random_resized_crop<torchvision_crop_box>{.area = area, .method = interpolation::bicubic_antialias},
      horizontal_flip{},
      color_jitter<>{.brightness = .4f, .contrast = .4f, .saturation = .2f, .hue = .1f},
      grayscale{},
      gaussian_blur{.probability = blur},
      solarize{.probability = solarization},
      normalise{}};
}

int main() {
  loader batches{builtin_source{{.count = 64, .side = 256}}, {.batch = 4}};
  trainer<method, on<cpu>, clipped<adamw>> learner{{}, {.optimizer = {.weight_decay = 0.04}}};
  const multi_crop_views views{two_views{views_of({.4f, 1}, 1, 0), views_of({.4f, 1}, .1f, .2f)},
                               repeat_view<8>(views_of({.05f, .4f}, .5f, 0))};
  return learner.step(views, batches.next(), {.learning_rate = 1e-4, .target_momentum = 0.996}) > 0 ? 0 : 1;
}
