#include "support/gradient_check.hpp"
#include "support/network_case.hpp"
#include "support/thin_trunk.hpp"

using namespace pretext;

namespace {

template <template <std::size_t, std::size_t, initial_scale> class Block>
void agrees_at_any_size(const std::string& name) {
  const auto file = tests::reference(name);
  const auto extents = file.at("input").shape;
  REQUIRE(file.at("before.conv1.weight").shape[0] == 8);
  REQUIRE(extents[2] == extents[3]);
  const auto both = [&]<std::size_t Side>() {
    using net = tests::thin_trunk<Block, 8>;
    tests::network_agrees<net, shape<Side, Side, 3>, on<cpu, fp64>>(file, 1e-9);
    tests::network_agrees<net, shape<Side, Side, 3>, on<cpu>>(file, 1e-4);
  };
  switch (extents[2]) {
    case 12:
      return both.template operator()<12>();
    case 16:
      return both.template operator()<16>();
    case 20:
      return both.template operator()<20>();
    default:
      FAIL("no test is compiled for images of ", extents[2], " pixels");
  }
}

}  // namespace

TEST_CASE(
    "ResNet's basic blocks agree with torchvision: inference, training, gradients, running statistics") {
  agrees_at_any_size<basic_block>("resnet_basic");
}

TEST_CASE(
    "ResNet's bottleneck blocks agree with torchvision: inference, training, gradients, running statistics") {
  agrees_at_any_size<bottleneck_block>("resnet_bottleneck");
}

TEST_CASE(
    "ResNet's wide bottleneck blocks agree with timm: inference, training, gradients, running statistics") {
  agrees_at_any_size<wide_bottleneck_block>("resnet_wide_bottleneck");
}
