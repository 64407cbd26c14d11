#include "dino_vit_small.hpp"

#include <pretext/encoders/vit.hpp>
#include <pretext/methods/dino.hpp>
#include <pretext/optimizers/clipped.hpp>
#include <pretext/recipes/view_preset.hpp>

#include "gpu/whole_steps.hpp"

std::unique_ptr<benchmarks::timed_work> pretext::tests::null_gpu::dino_vit_small(std::size_t batch) {
  using global = shape<224, 224, 3>;
  using local = shape<96, 96, 3>;
  using method =
      dino<multi_crop<crops<2, global>, crops<8, local>>, vit_small<16, with_grid<dino_pretraining, global>>>;
  constexpr view_preset large{.minimum_area = .4f};
  const multi_crop_views views{
      make_byol_views<global>(large, normalise{}),
      repeat_view<8>(make_dino_local_view<local>(local_crops_beside(large), normalise{}))};
  return benchmarks::make_steps<method, 256>(batch, method{},
                                             clipped<adamw>{.optimizer = {.weight_decay = .04}}, views, 1e-4);
}
