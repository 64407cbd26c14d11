// Whole runs of methods/{barlow_twins,vicreg,dcl,frossl,hypersphere,moco_v3,supcon,wmse}.hpp beside those of
// other people's code.
#include "methods/reference_run.hpp"

#include <pretext/methods/barlow_twins.hpp>
#include <pretext/methods/dcl.hpp>
#include <pretext/methods/frossl.hpp>
#include <pretext/methods/hypersphere.hpp>
#include <pretext/methods/moco_v3.hpp>
#include <pretext/methods/supcon.hpp>
#include <pretext/methods/vicreg.hpp>
#include <pretext/methods/wmse.hpp>
#include <pretext/training/check_method.hpp>

using namespace pretext;
using tests::official_lars;
using tests::run_agrees;
using tests::torch_sgd;

namespace {

using trunk = tests::thin_trunk<basic_block, 8>;

using three_layers = three_layer_head<12, 10, bias::no, bias::yes>;
using lightly_head = simclr_head<16, 8, affine::both>;
template <std::size_t Side>
using barlow_twins_of = barlow_twins<shape<Side, Side, 3>, trunk, three_layers>;
template <std::size_t Side>
using vicreg_of = vicreg<shape<Side, Side, 3>, trunk, three_layers>;
template <std::size_t Side>
using dcl_of = dcl<shape<Side, Side, 3>, trunk, lightly_head>;
template <std::size_t Side>
using frossl_of = frossl<shape<Side, Side, 3>, trunk, three_layers>;
template <std::size_t Side>
using hypersphere_of = hypersphere<shape<Side, Side, 3>, trunk, lightly_head>;
template <std::size_t Side>
using supcon_of = supcon<shape<Side, Side, 3>, trunk, moco_v2_head<16, 8>>;
template <std::size_t Side>
using wmse_of = wmse<shape<Side, Side, 3>, trunk, simclr_head<16, 3, affine::both>>;
template <std::size_t Side>
using moco_v3_of = moco_v3<shape<Side, Side, 3>, trunk, moco_v3_head<24, 8>, byol_head<24, 8, bias::no>>;

}  // namespace

TEST_CASE("ten steps of Barlow Twins agree with lightly's parts and the official LARS") {
  const std::string name = "barlow_twins_ten_steps";
  run_agrees<barlow_twins_of>(name, official_lars(name),
                              [](auto& method, const auto& number) { method.loss.lambda = number("lam"); });
}

TEST_CASE("ten steps of VICReg agree with lightly's parts and the official LARS") {
  const std::string name = "vicreg_ten_steps";
  run_agrees<vicreg_of>(name, official_lars(name), [](auto& method, const auto& number) {
    method.loss = {number("invariance"), number("variance"), number("covariance")};
  });
}

TEST_CASE("five steps of DCL and of DCLW agree with lightly") {
  run_agrees<dcl_of>("dcl_five_steps", torch_sgd("dcl_five_steps"), [](auto& method, const auto& number) {
    method.loss.temperature = number("temperature");
  });
  run_agrees<dcl_of>("dclw_five_steps", torch_sgd("dclw_five_steps"), [](auto& method, const auto& number) {
    method.loss = {number("temperature"), number("sigma")};
  });
}

TEST_CASE("five steps of alignment and uniformity agree with lightly") {
  const std::string name = "align_uniform_five_steps";
  run_agrees<hypersphere_of>(name, torch_sgd(name), [](auto& method, const auto& number) {
    method.loss = {number("t"), number("weight")};
  });
}

TEST_CASE("five steps of FroSSL agree with lightly") {
  const std::string name = "frossl_five_steps";
  run_agrees<frossl_of>(name, torch_sgd(name), [](auto&, const auto&) {});
}

TEST_CASE("ten steps of SupCon, with the labels of every step, agree with SupContrast's loss") {
  const std::string name = "supcon_ten_steps";
  run_agrees<supcon_of>(name, torch_sgd(name), [](auto& method, const auto& number) {
    method.loss.temperature = number("temperature");
  });
}

TEST_CASE("five steps of W-MSE agree with the whitening of its official code") {
  const std::string name = "wmse_five_steps";
  run_agrees<wmse_of>(name, torch_sgd(name), [](auto&, const auto&) {});
}

TEST_CASE("ten steps of MoCo v3 agree with its official code") {
  const std::string name = "moco_v3_ten_steps";
  run_agrees<moco_v3_of>(name, official_lars(name), [](auto& method, const auto& number) {
    method.loss.temperature = number("temperature");
  });
}

TEST_CASE("every gradient of these methods matches finite differences") {
  const auto matches = [](const gradient_check_result& found) {
    CHECK_MESSAGE(found.error < 1e-5, found.text());
    CHECK(found.compared > 50);
  };
  matches(check_method<barlow_twins_of<8>>({}, {.batch = 6, .seed = 3}));
  matches(check_method<vicreg_of<8>>({}, {.batch = 6, .seed = 3}));
  matches(check_method<dcl_of<8>>({.loss = {.temperature = 0.5}}, {.batch = 6, .seed = 3}));
  matches(check_method<frossl_of<8>>({}, {.batch = 6, .seed = 3}));
  matches(check_method<hypersphere_of<8>>({}, {.batch = 6, .seed = 3}));
  // The target moves in `learn`: with momentum 1 it stays where it is.
  matches(check_method<moco_v3_of<8>>({}, {.batch = 6, .seed = 3}));
}

TEST_CASE(
    "a target that moves before the step absorbs the weights of the step before, with this step's momentum") {
  using method = moco_v3_of<8>;
  trainer<method, on<cpu, fp64>, sgd> t{{}, {}, 3};
  t.start(method::parameters, 3, 4);
  auto& m = t.memory();
  const auto pixels = tests::normal_numbers(8 * 8 * 8 * 3, 7);
  const std::vector<double> online{m.value.data(), m.value.data() + method::target_size},
      target{m.target_values.data(), m.target_values.data() + method::target_size};
  t.step({pixels.data(), 8}, {.learning_rate = 0.1, .target_momentum = 0.75});
  for (const parameter& p : parameters_of<method::trunk, shape<8, 8, 3>>)
    if (p.role == parameter_role::trainable)
      for (std::size_t i = p.offset; i < p.offset + p.size(); ++i)
        REQUIRE(m.target_values.data()[i] ==
                doctest::Approx(0.75 * target[i] + 0.25 * online[i]).epsilon(1e-14));
}
