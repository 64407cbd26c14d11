#pragma once
// One training of each method, small enough for a test of all of them: what must hold for every method is
// tested for a new one as soon as it stands here.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <pretext/encoders/vit.hpp>
#include <pretext/methods/barlow_twins.hpp>
#include <pretext/methods/byol.hpp>
#include <pretext/methods/dcl.hpp>
#include <pretext/methods/dino.hpp>
#include <pretext/methods/dinov2.hpp>
#include <pretext/methods/distillation.hpp>
#include <pretext/methods/frossl.hpp>
#include <pretext/methods/hypersphere.hpp>
#include <pretext/methods/ibot.hpp>
#include <pretext/methods/ijepa.hpp>
#include <pretext/methods/lejepa.hpp>
#include <pretext/methods/mae.hpp>
#include <pretext/methods/moco_v2.hpp>
#include <pretext/methods/moco_v3.hpp>
#include <pretext/methods/msn.hpp>
#include <pretext/methods/nnclr.hpp>
#include <pretext/methods/ressl.hpp>
#include <pretext/methods/simclr.hpp>
#include <pretext/methods/simmim.hpp>
#include <pretext/methods/simsiam.hpp>
#include <pretext/methods/supcon.hpp>
#include <pretext/methods/swav.hpp>
#include <pretext/methods/tico.hpp>
#include <pretext/methods/vicreg.hpp>
#include <pretext/methods/wmse.hpp>
#include <pretext/training/trainer.hpp>

#include "support/gradient_check.hpp"
#include "support/thin_trunk.hpp"

namespace pretext::tests {

inline constexpr std::size_t images_of_every_method = 8;

/// Weights of a teacher that has learned nothing.
template <class Teacher, class Images>
std::shared_ptr<const std::vector<float>> initial_weights() {
  std::vector<float> values(weight_count<Teacher, Images>);
  initialise<float>(parameters_of<Teacher, Images>, 9, values.data());
  return std::make_shared<const std::vector<float>>(std::move(values));
}

using two_small_sizes = multi_crop<crops<2, shape<8, 8, 3>>, crops<2, shape<4, 4, 3>>>;
using small_ibot = ibot<two_small_sizes, vit<2, 16, 2, 2, with_grid<dino_pretraining, shape<8, 8, 3>>>,
                        ibot_head<7, 5, 9, 6>>;
using small_dinov2 = dinov2<two_small_sizes, vit<2, 16, 2, 2, with_grid<dinov2_pretraining, shape<8, 8, 3>>>,
                            dino_head<7, 9, 6>, dino_head<5, 9, 6>>;

/// Calls `f(name, method)`, where the name is a std::string, for a method that learns from 8-pixel images,
/// `images_of_every_method` in a step.
template <class F>
void for_each_method(const F& f) {
  using images = shape<8, 8, 3>;
  using trunk = thin_trunk<basic_block, 4>;
  using two_sizes = two_small_sizes;
  f(std::string{"SimCLR"}, simclr<images, trunk, simclr_head<9, 6>>{});
  f(std::string{"BYOL"}, byol<images, trunk, byol_head<9, 6>>{});
  f(std::string{"MAE"},
    mae<images, vit<2, 16, 2, 2>, mae_decoder<8, 2, 2>, random_masking<std::ratio<1, 2>>>{});
  f(std::string{"SimMIM"}, simmim<images, vit<2, 16, 2, 2, simmim_pretraining>, block_masking<4>>{});
  f(std::string{"MoCo v2"}, moco_v2<images, trunk, moco_v2_head<9, 6>>{.loss = {.capacity = 24}});
  f(std::string{"MoCo v3"}, moco_v3<images, trunk, moco_v3_head<9, 6>, byol_head<9, 6, bias::no>>{});
  f(std::string{"SimSiam"}, simsiam<images, trunk, simsiam_head<9, 6>, simsiam_predictor<3, 6>>{});
  f(std::string{"FastSiam"}, fast_siam<images, trunk, 3, simsiam_head<9, 6>, simsiam_predictor<3, 6>>{});
  f(std::string{"NNCLR"},
    nnclr<images, trunk, nnclr_head<9, 6>, nnclr_predictor<9, 6>>{.loss = {.capacity = 24}});
  f(std::string{"ReSSL"}, ressl<images, trunk, moco_v2_head<9, 6>>{.loss = {.capacity = 24}});
  f(std::string{"Barlow Twins"}, barlow_twins<images, trunk, three_layer_head<9, 6>>{});
  f(std::string{"VICReg"}, vicreg<images, trunk, three_layer_head<9, 6>>{});
  f(std::string{"DCL"}, dcl<images, trunk, simclr_head<9, 6>>{});
  f(std::string{"DCLW"}, dcl<images, trunk, simclr_head<9, 6>>{.loss = {.sigma = 0.5}});
  f(std::string{"FroSSL"}, frossl<images, trunk, three_layer_head<9, 6>>{});
  f(std::string{"alignment and uniformity"}, hypersphere<images, trunk, simclr_head<9, 6>>{});
  f(std::string{"TiCo"}, tico<images, trunk, byol_head<9, 6>>{});
  f(std::string{"SupCon"}, supcon<images, trunk, moco_v2_head<9, 6>>{});
  f(std::string{"W-MSE"}, wmse<images, trunk, byol_head<9, 3>>{});
  f(std::string{"SwAV"}, swav<two_sizes, trunk, swav_head<9, 6>, 5>{});
  f(std::string{"SwAV with a queue"}, swav<images, trunk, swav_head<9, 6>, 5>{.loss = {.capacity = 16}});
  f(std::string{"LeJEPA"}, lejepa<two_sizes, trunk, lejepa_head<9, 6>>{.loss = {.slices = 16}});
  f(std::string{"I-JEPA"}, ijepa<images, vit<2, 16, 2, 2, ijepa_pretraining>, ijepa_predictor<8, 2, 2>>{});
  using large = vit<2, 16, 2, 2>;
  f(std::string{"distillation"}, distillation<images, encoder<trunk>, teacher<large>>{
                                     .teacher_weights = initial_weights<large, images>()});
  f(std::string{"distillation of features with smooth L1"},
    distillation<images, encoder<trunk>, teacher<large>, loss<feature_regression>>{
        .loss = {.beta = 2}, .teacher_weights = initial_weights<large, images>()});
  f(std::string{"DINO"}, dino<two_sizes, trunk, dino_head<7, 9, 6>>{});
  f(std::string{"iBOT"}, small_ibot{});
  f(std::string{"DINOv2"}, small_dinov2{});
  f(std::string{"MSN"}, msn<two_sizes, vit<2, 16, 2, 2, with_grid<msn_pretraining, images>>, 7,
                            dino_bottleneck<9, 6, hidden_norm::batch>, random_masking<std::ratio<1, 4>>>{});
}

/// Takes the step with this number, on views that depend on the number alone, or on the part of them that
/// belongs to a shard; returns its loss.
template <class Learner>
double step_of_every_method(Learner& learner, std::size_t number, std::size_t shard = 0,
                            std::size_t shards = 1) {
  using method = typename Learner::method_type;
  using context = typename Learner::context_type;
  using device = typename context::device;
  using T = typename context::activation;
  using groups = detail::view_groups<typename Learner::view_shapes, method::views>;
  const std::size_t n = images_of_every_method / shards, first = shard * n;
  const auto& stream = learner.context().stream;
  typename groups::template owned<context> memory;
  const auto views = groups::resize(memory, n);
  std::size_t seed = 100 * number;
  groups::for_each(views, [&](const auto& group) {
    const auto drawn = normal_numbers(group.size() * shards, static_cast<unsigned>(seed++));
    const std::vector<T> whole{drawn.begin(), drawn.end()};
    const std::size_t part = n * (group.size() / group.batch);  // of a view
    std::vector<T> pixels;
    for (auto view = whole.begin(); view < whole.end(); view += std::ptrdiff_t(part * shards))
      pixels.insert(pixels.end(), view + std::ptrdiff_t(part * shard),
                    view + std::ptrdiff_t(part * (shard + 1)));
    device::write(stream, group.data, pixels.data(), pixels.size());
  });
  if constexpr (requires { learner.memory().labels; }) {
    std::vector<std::int64_t> labels;
    for (std::size_t i = 0; i < n; ++i) labels.push_back(std::int64_t((first + i + number) % 3));
    learner.memory().labels = buffer<std::int64_t, device>{n};
    device::write(stream, learner.memory().labels.data(), labels.data(), n);
  }
  std::vector<std::uint64_t> samples;
  for (std::size_t i = 0; i < n; ++i) samples.push_back(number * images_of_every_method + first + i);
  training_step values{
      .learning_rate = 0.05, .samples = samples, .seed = 5, .epoch = static_cast<std::uint32_t>(number)};
  if (method::has_target) values.target_momentum = 0.9;
  return learner.step(typename Learner::views_type{views}, values);
}

/// Everything that a checkpoint holds.
template <class Learner>
std::vector<std::pair<std::string_view, std::vector<double>>> checkpoint_of(Learner& learner) {
  std::vector<std::pair<std::string_view, std::vector<double>>> all;
  learner.for_each_buffer([&]<class B>(std::string_view name, B* data, std::size_t count) {
    std::vector<B> host(count);
    Learner::device::read(learner.context().stream, host.data(), data, count);
    all.emplace_back(name, std::vector<double>(host.begin(), host.end()));
  });
  return all;
}

}  // namespace pretext::tests
