#include <pretext/optimizers/layer_decay.hpp>

#include <map>
#include <string>

#include "optimizers.hpp"

#include <pretext/encoders/resnet.hpp>
#include <pretext/encoders/vit.hpp>
#include <pretext/layers/linear.hpp>
#include <pretext/optimizers/adamw.hpp>
#include <pretext/optimizers/any_optimizer.hpp>
#include <pretext/optimizers/lars.hpp>
#include <pretext/optimizers/sgd.hpp>

using namespace pretext;
using namespace pretext::tests;
using doctest::Approx;

namespace {

/// The table of a timm ViT with that many blocks and a mean of its tokens.
std::vector<parameter> vit_table(std::size_t depth) {
  const auto start = initialiser::normal(1);
  std::vector<parameter> table{{"cls_token", {1, 1, 4}, start},
                               {"pos_embed", {1, 5, 4}, start},
                               {"patch_embed.proj.weight", {4, 3, 2, 2}, start},
                               {"patch_embed.proj.bias", {4}, start}};
  for (std::size_t i = 0; i < depth; ++i)
    for (const char* leaf : {"norm1.weight", "attn.qkv.weight", "mlp.fc1.weight"})
      table.push_back({"blocks." + std::to_string(i) + "." + leaf, {4, 4}, start});
  table.push_back({"fc_norm.weight", {4}, start});
  table.push_back({"head.weight", {10, 4}, start});
  table.push_back({"head.bias", {10}, start});
  for (std::size_t row = 0; row < 4 + 3 * depth; ++row) table[row].depth = row < 4 ? 0 : 1 + int(row - 4) / 3;
  for (std::size_t row = 0; row < 2; ++row) table[row].weight_decay = parameter_decay::no;
  std::size_t offset = 0;
  for (parameter& p : table) {
    p.offset = offset;
    offset += p.size();
  }
  return table;
}

std::map<std::string, parameter> by_name(const std::vector<parameter>& table) {
  std::map<std::string, parameter> named;
  for (const parameter& p : table) named.emplace(p.name(), p);
  return named;
}

template <class Optimizer>
std::vector<double> step(const Optimizer& optimizer, std::span<const parameter> table, double rate,
                         std::size_t steps = 2) {
  using Context = on<cpu, fp64>;
  Context context;
  std::size_t size = 0;
  for (const parameter& p : table) size += p.size();
  auto value = numbers<double>(size, 7);
  const auto run = [&](auto&& state) {
    for (std::size_t k = 0; k < steps; ++k) {
      const auto gradient = numbers<double>(size, 100 + static_cast<unsigned>(k));
      optimizer(context, table, state, rate, gradient.data(), value.data());
    }
  };
  if constexpr (requires { optimizer.template make_state<Context>(table); })
    run(optimizer.template make_state<Context>(table));
  else
    run(typename Optimizer::template state_type<Context>{table});
  return value;
}

}  // namespace

TEST_CASE("a ViT's learning rates have the golden values of MAE's fine-tuning") {
  const auto base = by_name(layer_decay<adamw>{{}, .75}.scaled(vit_table(12)));
  CHECK(base.at("head.weight").lr_multiplier == 1);
  CHECK(base.at("fc_norm.weight").lr_multiplier == 1);
  CHECK(base.at("blocks.11.mlp.fc1.weight").lr_multiplier == .75);
  CHECK(base.at("blocks.0.norm1.weight").lr_multiplier == Approx(.031676352).epsilon(1e-7));
  for (const char* entry : {"cls_token", "pos_embed", "patch_embed.proj.weight", "patch_embed.proj.bias"})
    CHECK(base.at(entry).lr_multiplier == Approx(.023757264).epsilon(1e-7));
  CHECK(by_name(layer_decay<adamw>{{}, .75}.scaled(vit_table(24))).at("pos_embed").lr_multiplier ==
        Approx(7.5254e-4).epsilon(1e-4));
  CHECK(by_name(layer_decay<adamw>{{}, .65}.scaled(vit_table(12))).at("pos_embed").lr_multiplier ==
        Approx(.0036972).epsilon(1e-4));
}

TEST_CASE("a ResNet's stem, its four stages and its classifier are six groups") {
  std::vector<parameter> table;
  for (const parameter& p : parameters_of<resnet18<stem::cifar, 4>, shape<32, 32, 3>>) table.push_back(p);
  table.push_back({"fc.weight", {10, 32}, initialiser::constant(0)});
  const auto rates = by_name(layer_decay<sgd>{{}, .5}.scaled(table));
  CHECK(rates.at("conv1.weight").lr_multiplier == 1. / 32);
  CHECK(rates.at("bn1.bias").lr_multiplier == 1. / 32);
  CHECK(rates.at("layer1.0.conv1.weight").lr_multiplier == 1. / 16);
  CHECK(rates.at("layer3.1.bn2.weight").lr_multiplier == 1. / 4);
  CHECK(rates.at("layer4.0.downsample.0.weight").lr_multiplier == 1. / 2);
  CHECK(rates.at("fc.weight").lr_multiplier == 1);
}

TEST_CASE("fine-tuning decays neither biases and norms nor positions and the class token") {
  for (const parameter& p : layer_decay<adamw>{{}, .75}.scaled(vit_table(2))) {
    const std::string name{p.name()};
    CAPTURE(name);
    const bool excluded = p.rank == 1 || name == "pos_embed" || name == "cls_token";
    CHECK((p.weight_decay == parameter_decay::no) == excluded);
  }
}

TEST_CASE("every optimizer uses each parameter's own learning rate, for weight decay, too") {
  const auto table = vit_table(3);
  const auto check = [&](const auto& optimizer) {
    const layer_decay<std::decay_t<decltype(optimizer)>> layered{optimizer, .7};
    const auto found = step(layered, table, .1);
    for (const parameter& p : layered.scaled(table)) {
      // The plain optimizer on this parameter alone, at the scaled learning rate.
      parameter alone = p;
      const double rate = .1 * p.lr_multiplier;
      alone.lr_multiplier = 1;
      alone.offset = 0;
      using Context = on<cpu, fp64>;
      Context context;
      const std::span<const parameter> one{&alone, 1};
      typename std::decay_t<decltype(optimizer)>::template state_type<Context> state{one};
      auto all = numbers<double>(found.size(), 7);
      for (std::size_t k = 0; k < 2; ++k) {
        const auto gradient = numbers<double>(found.size(), 100 + static_cast<unsigned>(k));
        optimizer(context, one, state, rate, gradient.data() + p.offset, all.data() + p.offset);
      }
      CAPTURE(p.path);
      for (std::size_t i = p.offset; i < p.offset + p.size(); ++i)
        CHECK(found[i] == Approx(all[i]).epsilon(1e-13));
    }
  };
  check(sgd{.weight_decay = .1});
  check(sgd{.nesterov = true, .weight_decay = .1, .decay_all = true});
  check(adamw{.beta2 = .999});
  for (const lars_variant variant :
       {lars_variant::simclr, lars_variant::byol, lars_variant::sum_of_norms, lars_variant::larc})
    check(lars{.weight_decay = .1,
               .trust_coefficient = .02,
               .variant = variant,
               .clip = variant == lars_variant::larc});
}

TEST_CASE("a layer decay of 1 is the plain optimizer, chosen at run time or not") {
  // In this table everything that layer_decay excludes from weight decay is excluded already.
  const auto table = std::vector<parameter>(plausible_table.begin(), plausible_table.end());
  CHECK(step(layer_decay<adamw>{}, table, .1) == step(adamw{}, table, .1));
  using any = any_optimizer<sgd, adamw>;
  CHECK(step(layer_decay<any>{{adamw{}}, .5}, vit_table(2), .1) ==
        step(layer_decay<adamw>{{}, .5}, vit_table(2), .1));
}

TEST_CASE(
    "a parameter with learning rate multiplier 0 is frozen: no optimizer moves it, nor does its decay") {
  auto table = vit_table(2);
  for (parameter& p : table) p.lr_multiplier = p.name().starts_with("head.") ? 1 : 0;
  const auto before = step(sgd{}, table, 0);
  const auto only_the_head_moves = [&](const auto& optimizer) {
    const auto after = step(optimizer, table, .1);
    for (const parameter& p : table)
      for (std::size_t i = p.offset; i < p.offset + p.size(); ++i)
        CHECK((before[i] == after[i]) == !p.name().starts_with("head."));
  };
  only_the_head_moves(sgd{.weight_decay = .1});
  only_the_head_moves(lars{.weight_decay = .1});
  only_the_head_moves(adamw{.weight_decay = .1});
  only_the_head_moves(layer_decay<sgd>{{.weight_decay = .1}, .5});
}

TEST_CASE("a table in which no encoder declares depths is refused in a sentence, unless nothing decays") {
  const std::vector<parameter> table(plausible_table.begin(), plausible_table.end());
  CHECK_THROWS_WITH_AS((layer_decay<sgd>{{}, .9}.scaled(table)),
                       doctest::Contains("wrap the encoder's layers in at_depth<0, ...>"),
                       std::invalid_argument);
  for (const parameter& p : layer_decay<sgd>{}.scaled(table)) CHECK(p.lr_multiplier == 1);
}

TEST_CASE("a ViT has as many layers as blocks and two more, whatever wraps it") {
  using method_encoder = vit<4, 12, 3, 2, mae_fine_tuning>;
  struct tuned : sequential<named<"", method_encoder>, named<"head", linear<4>>> {};
  static constexpr auto table = parameters_of<tuned, shape<8, 8, 3>>;
  const auto layers = layers_of(table);
  for (std::size_t row = 0; row < table.size(); ++row) {
    const std::string name{table[row].name()};
    CAPTURE(name);
    const std::size_t block = name.starts_with("blocks.") ? std::size_t(name[7] - '0') + 1 : 0;
    const bool after = name.starts_with("fc_norm.") || name.starts_with("head.");
    CHECK(layers[row] == (after ? 4 : block));
  }
}

TEST_CASE("a decay outside (0, 1] is refused in a sentence") {
  CHECK_THROWS_WITH_AS((layer_decay<sgd>{{}, 0}.scaled(vit_table(1))),
                       doctest::Contains("must lie within (0, 1]"), std::invalid_argument);
  CHECK_THROWS_WITH_AS((layer_decay<sgd>{{}, 1.1}.scaled(vit_table(1))),
                       doctest::Contains("must lie within (0, 1]"), std::invalid_argument);
}
