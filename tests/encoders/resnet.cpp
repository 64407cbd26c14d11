#include <doctest/doctest.h>

#include <pretext/devices/cpu.hpp>
#include <pretext/encoders/resnet.hpp>

using namespace pretext;

namespace {
using large = shape<224, 224, 3>;
using small = shape<32, 32, 3>;
template <class E, class In>
constexpr std::size_t learned = trainable_count(parameters_of<E, In>);
}  // namespace

// The parameter counts of torchvision's trunks.
static_assert(learned<resnet18<>, large> == 11'176'512);
static_assert(learned<resnet34<>, large> == 21'284'672);
static_assert(learned<resnet50<>, large> == 23'508'032);
static_assert(learned<resnet101<>, large> == 42'500'160);
static_assert(learned<resnet152<>, large> == 58'143'808);
static_assert(learned<wide_resnet50<>, large> == 66'834'240);
static_assert(learned<resnet18<stem::cifar>, small> == 11'168'832);
static_assert(learned<resnet34<stem::cifar>, small> == 21'276'992);
static_assert(learned<resnet50<stem::cifar>, small> == 23'500'352);
static_assert(learned<resnet101<stem::cifar>, small> == 42'492'480);
static_assert((learned<resnet50<stem::imagenet, 128>, large> + 50'000) / 100'000 == 939, "93.9 M");
static_assert((learned<resnet50<stem::imagenet, 256>, large> + 50'000) / 100'000 == 3754, "375.4 M");

static_assert(std::same_as<output_of<resnet18<>, large>, shape<512>>);
static_assert(std::same_as<output_of<resnet50<stem::cifar>, small>, shape<2048>>);
static_assert(std::same_as<output_of<resnet18<stem::cifar, 16>, small>, shape<128>>);
static_assert(std::same_as<output_of<resnet18<>, shape<96, 160, 3>>, shape<512>>,
              "images need not be square");

TEST_CASE("parameters have torchvision's names, in torchvision's order") {
  constexpr auto table = parameters_of<resnet18<>, large>;
  CHECK(table.size() == 20 * 5);
  CHECK(table[0].name() == "conv1.weight");
  CHECK(table[1].name() == "bn1.weight");
  CHECK(table[4].name() == "bn1.running_var");
  CHECK(table[5].name() == "layer1.0.conv1.weight");
  CHECK(table.back().name() == "layer4.1.bn2.running_var");
  std::size_t projections = 0;
  for (const parameter& p : table) projections += p.name().find("downsample.0.weight") != p.name().npos;
  CHECK(projections == 3);
}

TEST_CASE("the last scale of each block is 0 at first by default") {
  for (const parameter& p : parameters_of<resnet50<>, large>)
    if (p.name().ends_with("bn3.weight"))
      CHECK(p.init == initialiser::constant(0));
    else if (p.name().ends_with("bn2.weight"))
      CHECK(p.init == initialiser::constant(1));
  for (const parameter& p : parameters_of<resnet18<stem::cifar, 8, initial_scale::one>, small>)
    if (p.name().ends_with("bn2.weight")) CHECK(p.init == initialiser::constant(1));
}
