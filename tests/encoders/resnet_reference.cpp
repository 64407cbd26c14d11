#include "support/gradient_check.hpp"
#include "support/reference.hpp"
#include "support/thin_trunk.hpp"

#include <pretext/io/torch_weights.hpp>

using namespace pretext;

namespace {

/// torchvision's blocks: inference, training, gradients and running statistics of one case.
template <class Net, std::size_t Side, class Context>
void agrees(const safetensors& file, double tolerance) {
  using T = typename Context::activation;
  using In = shape<Side, Side, 3>;
  using Out = output_of<Net, In>;
  constexpr const auto& table = parameters_of<Net, In>;
  Context context{.stream = cpu::stream{2}};
  const auto x = tests::channels_last<T>(file.at("input"));
  const std::size_t batch = x.size() / In::size;
  std::vector<T> w(parameter_count(table)), dw(w.size()), y(batch * Out::size), dx(x.size());
  read_torch_tensors<T>(table, file, "before.", w.data());

  Net::infer(context, weights<Context>{w.data(), nullptr}, reads<Context, In>{x.data(), batch},
             writes<Context, Out>{y.data(), batch});
  CHECK(tests::relative_difference(y, file.at("inference").as<double>()) < tolerance);

  cache_of<Net, In, Context> cache;
  const auto cotangent = file.at("cotangent").as<T>();
  Net::forward(context, weights<Context>{w.data(), nullptr}, reads<Context, In>{x.data(), batch},
               writes<Context, Out>{y.data(), batch}, cache);
  CHECK(tests::relative_difference(y, file.at("train").as<double>()) < tolerance);
  Net::backward(context, weights<Context>{w.data(), dw.data()}, cache,
                reads<Context, Out>{cotangent.data(), batch}, writes<Context, In>{dx.data(), batch});
  CHECK(tests::relative_difference(dx, tests::channels_last<double>(file.at("grad.input"))) < tolerance);

  safetensors ours;
  append_torch_tensors<T>(table, dw.data(), "", ours);
  append_torch_tensors<T>(table, w.data(), "", ours);  // overwrites; gradients are compared first
  safetensors gradients;
  append_torch_tensors<T>(table, dw.data(), "", gradients);
  std::size_t compared = 0;
  for (const parameter& p : table) {
    const std::string name{p.name()};
    CAPTURE(name);
    const bool running = p.role == parameter_role::buffer;
    const auto& expected = file.at((running ? "after." : "grad.") + name);
    CHECK(tests::relative_difference((running ? ours : gradients).at(name).template as<T>(),
                                     expected.as<double>()) < tolerance);
    ++compared;
  }
  CHECK(compared == table.size());
}

template <template <std::size_t, std::size_t, initial_scale> class Block>
void agrees_at_any_size(const std::string& name) {
  const auto file = tests::reference(name);
  const auto extents = file.at("input").shape;
  REQUIRE(file.at("before.conv1.weight").shape[0] == 8);
  REQUIRE(extents[2] == extents[3]);
  const auto both = [&]<std::size_t Side>() {
    agrees<tests::thin_trunk<Block, 8>, Side, on<cpu, fp64>>(file, 1e-9);
    agrees<tests::thin_trunk<Block, 8>, Side, on<cpu>>(file, 1e-4);
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
