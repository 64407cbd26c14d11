#include <doctest/doctest.h>

#include <pretext/core/concepts.hpp>
#include <pretext/layers/batch_norm.hpp>
#include <pretext/layers/convolution.hpp>
#include <pretext/layers/linear.hpp>
#include <pretext/layers/sequential.hpp>

using namespace pretext;

namespace {
struct net : sequential<named<"stem", convolution<4, 3>>, batch_norm<>> {};
constexpr auto table = parameters_of<net, shape<8, 8, 3>>;
}  // namespace

static_assert(table.size() == 5);
static_assert(table[0].name() == "stem.weight" && table[0].offset == 0 && table[0].size() == 108);
static_assert(table[0].extents[0] == 4 && table[0].extents[1] == 3,
              "extents are torch's: out, in, rows, columns");
static_assert(table[0].layout == parameter_layout::convolution &&
              table[0].weight_decay == parameter_decay::yes);
static_assert(table[1].name() == "1.weight" && table[1].offset == 108 &&
              table[1].weight_decay == parameter_decay::no);
static_assert(table[4].name() == "1.running_var" && table[4].role == parameter_role::buffer);
static_assert(parameter_count(table) == 108 + 16 && trainable_count(table) == 108 + 8);

TEST_CASE("the group of a layer's parameters stays with them inside of other layers") {
  struct grouped : sequential<named<"trunk", sequential<linear<3>, in_group<2, linear<4>>>>,
                              named<"last", in_group<1, sequential<linear<2>, batch_norm<>>>>, linear<1>> {};
  static constexpr auto inside = prefixed("head", parameters_of<grouped, shape<5>>);
  static constexpr auto both = concatenate(parameters_of<linear<2>, shape<5>>, inside);
  for (const parameter& p : both) {
    CAPTURE(p.path);
    const bool last = p.name().starts_with("head.last."), inner = p.name().starts_with("head.trunk.1.");
    CHECK(p.group == (last ? 1u : inner ? 2u : 0u));
  }
  CHECK(both[2].name() == "head.trunk.0.weight");
  CHECK(both[4].group == 2);
}

TEST_CASE(
    "convolutions start with Kaiming's normal initialiser by fan-out, linear layers with PyTorch's uniform "
    "one") {
  constexpr auto imagenet = parameters_of<convolution<64, 7, 2, 3>, shape<224, 224, 3>>[0].init;
  constexpr auto cifar = parameters_of<convolution<64, 3>, shape<32, 32, 3>>[0].init;
  CHECK(imagenet.distribution == initialiser::kind::normal);
  CHECK(imagenet.scale == doctest::Approx(.0252538).epsilon(1e-5));
  CHECK(cifar.scale == doctest::Approx(.0589256).epsilon(1e-5));
  constexpr auto line = parameters_of<linear<10>, shape<400>>[0].init;
  CHECK(line.distribution == initialiser::kind::uniform);
  CHECK(line.scale == doctest::Approx(0.05));
}
