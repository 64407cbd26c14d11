// Whole runs of methods/{ibot,dinov2}.hpp, which compare class tokens and masked patches, beside those of
// their official codes.
#include "methods/reference_run.hpp"

#include <pretext/kernels/cpu/parallel_for.hpp>
#include <pretext/methods/dinov2.hpp>
#include <pretext/methods/ibot.hpp>
#include <pretext/optimizers/adamw.hpp>
#include <pretext/optimizers/clipped.hpp>
#include <pretext/optimizers/layer_decay.hpp>

using namespace pretext;
using tests::run_agrees;

namespace {

/// The masks of a step of a case.
struct given_flags {
  template <class Grid>
  using masks = patch_flags<Grid>;
  const std::uint8_t* given = nullptr;

  friend bool operator==(const given_flags&, const given_flags&) = default;
  template <class Grid, class Context>
  patch_flags<Grid> draw(Context&, std::size_t batch) const {
    return {given, batch};
  }
};

template <std::size_t Side>
using two_sizes = multi_crop<crops<2, shape<Side, Side, 3>>, crops<2, shape<Side / 2, Side / 2, 3>>>;
template <std::size_t Side, class Recipe>
struct global_grid : Recipe {
  using grid = shape<Side, Side, 3>;
};
template <std::size_t Prototypes>
using head = dino_head<Prototypes, 24, 8, weight_gain::learned>;
template <std::size_t Side>
using ibot_of =
    ibot<two_sizes<Side>, vit<4, 24, 2, 3, global_grid<Side, dino_pretraining>>, head<20>, given_flags>;
template <std::size_t Side>
using dinov2_of = dinov2<two_sizes<Side>, vit<4, 24, 2, 3, global_grid<Side, dinov2_pretraining>>, head<20>,
                         head<16>, given_flags>;

}  // namespace

TEST_CASE("five steps of iBOT with given masks agree with its official code") {
  const std::string name = "ibot_five_steps";
  const auto file = tests::reference(name);
  const auto number = [&](const char* key) { return tests::hyper_parameter(file, key).get<double>(); };
  run_agrees<ibot_of, 16>(
      name, clipped<adamw>{{.beta2 = 0.999}, number("clip")}, [](auto& method, const auto& of_case) {
        auto& loss = method.loss;
        loss.views.student_temperature = loss.patches.student_temperature = of_case("student_temperature");
        loss.views.centre_momentum = of_case("centre_momentum");
        loss.patches.centre_momentum = of_case("centre_patch_momentum");
      });
}

TEST_CASE("four steps of DINOv2 with given masks agree with its official code") {
  const std::string name = "dinov2_four_steps";
  const auto file = tests::reference(name);
  const auto number = [&](const char* key) { return tests::hyper_parameter(file, key).get<double>(); };
  run_agrees<dinov2_of, 16>(
      name,
      clipped<layer_decay<adamw>>{{{.beta2 = 0.999}, number("layer_decay")}, number("clip"), clip_by::module},
      [](auto& method, const auto& of_case) {
        auto& loss = method.loss;
        loss.views.student_temperature = loss.patches.student_temperature = of_case("student_temperature");
        loss.views.teacher_temperature = loss.patches.teacher_temperature = of_case("teacher_temperature");
        loss.features.weight = of_case("koleo");
      });
}
