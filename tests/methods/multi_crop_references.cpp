// Whole runs of methods/{dino,lejepa,swav}.hpp, and of vision transformers, beside those of other people's
// code.
#include "methods/reference_run.hpp"

#include <pretext/encoders/vit.hpp>
#include <pretext/methods/dino.hpp>
#include <pretext/methods/lejepa.hpp>
#include <pretext/methods/moco_v3.hpp>
#include <pretext/methods/swav.hpp>
#include <pretext/optimizers/adamw.hpp>
#include <pretext/optimizers/clipped.hpp>
#include <pretext/training/check_method.hpp>

using namespace pretext;
using tests::run_agrees;

namespace {

using trunk = tests::thin_trunk<basic_block, 8>;

template <std::size_t Side>
using two_sizes = multi_crop<crops<2, shape<Side, Side, 3>>, crops<2, shape<Side / 2, Side / 2, 3>>>;
template <std::size_t Side>
using swav_of = swav<two_sizes<Side>, trunk, swav_head<24, 8>, 12>;
template <std::size_t Side>
using swav_with_queue = swav<shape<Side, Side, 3>, trunk, swav_head<24, 8>, 12>;
template <std::size_t Side>
using dino_of = dino<two_sizes<Side>, trunk, dino_head<20, 24, 8>>;

template <std::size_t Side>
using lejepa_of = lejepa<two_sizes<Side>, trunk, lejepa_head<12, 6>>;

template <std::size_t Side>
struct global_grid : dino_pretraining {
  using grid = shape<Side, Side, 3>;
};
template <std::size_t Side>
using dino_on_vit = dino<two_sizes<Side>, vit<4, 24, 2, 3, global_grid<Side>>, dino_head<20, 24, 8>>;

template <std::size_t Side>
using moco_v3_on_vit = moco_v3<shape<Side, Side, 3>, vit<4, 24, 2, 3, moco_v3_pretraining>,
                               moco_v3_vit_head<24, 8>, moco_v3_head<24, 8>>;

lars swav_lars(const std::string& name) {
  lars optimizer = tests::official_lars(name);
  optimizer.variant = lars_variant::larc;
  optimizer.epsilon = 1e-8;
  return optimizer;
}

}  // namespace

TEST_CASE("ten steps of SwAV with crops of two sizes agree with its official code") {
  const std::string name = "swav_ten_steps";
  run_agrees<swav_of>(name, swav_lars(name), [](auto& method, const auto& number) {
    method.loss.temperature = number("temperature");
    method.loss.epsilon = number("epsilon");
  });
}

TEST_CASE("six steps of SwAV with a queue agree with its official code") {
  const std::string name = "swav_queue_six_steps";
  run_agrees<swav_with_queue>(name, swav_lars(name), [](auto& method, const auto& number) {
    method.loss.temperature = number("temperature");
    method.loss.epsilon = number("epsilon");
    method.loss.capacity = std::size_t(number("queue"));
    method.loss.queue_from_step = std::uint64_t(number("queue_from_step"));
  });
}

TEST_CASE("six steps of LeJEPA, in given directions, agree with its official code") {
  const std::string name = "lejepa_six_steps";
  run_agrees<lejepa_of>(name, adamw{.beta2 = 0.999, .weight_decay = 0.05, .decay_all = true},
                        [](auto& method, const auto& number) {
                          method.loss.lambda = number("lam");
                          method.loss.slices = std::size_t(number("slices"));
                          method.loss.t_max = number("t_max");
                        });
}

TEST_CASE("six steps of DINO with a ResNet agree with its official code") {
  const std::string name = "dino_resnet_six_steps";
  const auto file = tests::reference(name);
  const auto number = [&](const char* key) { return tests::hyper_parameter(file, key).get<double>(); };
  run_agrees<dino_of>(name, clipped<sgd>{{.momentum = 0.9}, number("clip")},
                      [](auto& method, const auto& of_case) {
                        method.loss.student_temperature = of_case("student_temperature");
                        method.loss.centre_momentum = of_case("centre_momentum");
                      });
}

TEST_CASE(
    "six steps of DINO with a vision transformer, whose positions are interpolated, agree with its code") {
  const std::string name = "dino_vit_six_steps";
  const auto file = tests::reference(name);
  const auto number = [&](const char* key) { return tests::hyper_parameter(file, key).get<double>(); };
  run_agrees<dino_on_vit, 16>(name, clipped<adamw>{{.beta2 = 0.999}, number("clip")},
                              [](auto& method, const auto& of_case) {
                                method.loss.student_temperature = of_case("student_temperature");
                                method.loss.centre_momentum = of_case("centre_momentum");
                              });
}

TEST_CASE(
    "five steps of MoCo v3 with a vision transformer, whose patch embedding is frozen, agree with its code") {
  const std::string name = "moco_v3_vit_five_steps";
  run_agrees<moco_v3_on_vit, 16>(
      name, adamw{.beta2 = 0.999, .weight_decay = 0.1, .decay_all = true},
      [](auto& method, const auto& number) { method.loss.temperature = number("temperature"); });
}

TEST_CASE("every gradient of these methods matches finite differences") {
  const auto matches = [](const gradient_check_result& found) {
    CHECK_MESSAGE(found.error < 1e-5, found.text());
    CHECK(found.compared > 50);
  };
  matches(check_method<lejepa_of<8>>({.loss = {.slices = 8}}, {.batch = 4, .seed = 3}));
  matches(check_method<dino_of<8>>({}, {.batch = 4, .seed = 3}));
  matches(check_method<dino_on_vit<16>>({}, {.batch = 3, .seed = 3}));
}
