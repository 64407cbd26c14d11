// Also tests edge/onnx. tests/reference/compare_onnx.py compares the features with those of ONNX Runtime.
#include <onnx/checker.h>  // before <sys/mman.h> defines MAP_TYPE, which is a name in it
#include <onnx/shape_inference/implementation.h>

#include <pretext/inference/write_onnx.hpp>

#include "support/temporary_folder.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <pretext/cpu.hpp>
#include <pretext/inference/classifier_file.hpp>

using namespace pretext;

namespace {

template <class Encoder, class Images>
safetensors file_of(const basic_preprocessing<channels_of<Images>>& how = {}) {
  constexpr const auto& table = parameters_of<Encoder, Images>;
  std::vector<float> value(parameter_count(table));
  initialise<float>(table, 5, value.data());
  safetensors file;
  file.origin = "encoder.safetensors";
  write_encoder_info(info_of<Encoder, Images>(how), file);
  append_torch_tensors<float>(table, value.data(), "", file);
  return file;
}

template <class Encoder, class Images>
onnx::ModelProto model_of(const basic_preprocessing<channels_of<Images>>& how = {}) {
  return onnx_model(encoder_model<Encoder, Images>{file_of<Encoder, Images>(how)});
}

/// How often each operation occurs.
std::map<std::string, int> operations_of(const onnx::ModelProto& model) {
  std::map<std::string, int> count;
  for (const auto& node : model.graph().node()) ++count[node.op_type()];
  return count;
}

/// ONNX's own checker accepts the model, and its shape inference finds the declared sizes of the outputs.
void expect_valid(onnx::ModelProto model) {
  onnx::checker::check_model(model);
  std::map<std::string, std::int64_t> declared;
  for (auto& output : *model.mutable_graph()->mutable_output()) {
    auto& extents = *output.mutable_type()->mutable_tensor_type()->mutable_shape()->mutable_dim();
    REQUIRE(extents.size() == 2);
    declared[output.name()] = extents[1].dim_value();
    for (auto& extent : extents) extent.clear_value();
  }
  onnx::shape_inference::InferShapes(model, onnx::OpSchemaRegistry::Instance(),
                                     onnx::ShapeInferenceOptions{true, 1, false});
  for (const auto& output : model.graph().output()) {
    CHECK(output.type().tensor_type().shape().dim_size() == 2);
    CHECK(output.type().tensor_type().shape().dim(1).dim_value() == declared[output.name()]);
  }
}

using cifar = shape<32, 32, 3>;
using small_vit = vit<8, 16, 2, 2>;
using small_mobile = mobilenet_v3<24, inverted_residual<8, 3, 8, 8, squeeze::yes, relu, 2>,
                                  inverted_residual<8, 5, 24, 8, squeeze::yes, hard_swish, 1>>;
/// Registers beside a class token with a position, and positions of another grid.
struct positioned_registers : dinov2_pretraining {
  using grid = shape<16, 40, 3>;
  static constexpr std::size_t registers = 3;
};
/// A network of a user's own: every layer that the encoders do not use by themselves.
struct own_network
    : sequential<convolution<4, 3, 2, 1, bias::yes>, layer_norm, gelu, batch_norm<affine::scale>,
                 residual<sequential<convolution<4, 3>, batch_norm<affine::none>, relu>>, max_pool<2>,
                 global_average_pool, linear<6, bias::no>, batch_norm<>, mlp<2>> {};
/// Twice the input, with an ONNX form of its own.
struct twice {
  template <Shape In>
  using output = In;
  template <Shape In>
  static consteval auto parameters() {
    return pretext::parameters<0>{};
  }
  template <Shape In, class Context>
  struct cache {};
  template <class Context, Shape In>
  static void forward(Context& context, weights<Context> w, reads<Context, In> x, writes<Context, In> y,
                      cache<In, Context>&) {
    infer(context, w, x, y);
  }
  template <class Context, Shape In>
  static void backward(Context&, weights<Context>, cache<In, Context>&, reads<Context, In>,
                       writes<Context, In>) {}
  template <class Context, Shape In>
  static void infer(Context&, weights<Context>, reads<Context, In> x, writes<Context, In> y) {
    for (std::size_t i = 0; i < x.size(); ++i) y.data[i] = 2 * x.data[i];
  }
  template <Shape In>
  static std::string write_onnx(onnx_graph& graph, std::size_t, std::string x) {
    return graph.node("Add", {x, x});
  }
};

}  // namespace

TEST_CASE("ONNX's checker accepts every kind of encoder, with the declared shapes of the outputs") {
  expect_valid(model_of<resnet18<stem::cifar, 4>, cifar>());
  expect_valid(model_of<resnet50<stem::imagenet, 4>, shape<64, 48, 1>>());
  expect_valid(model_of<small_vit, cifar>());
  expect_valid(model_of<vit<8, 16, 2, 2, mae_fine_tuning>, shape<16, 24, 5>>());
  expect_valid(model_of<vit<8, 16, 2, 2, dinov2_registers>, cifar>());
  expect_valid(model_of<vit<8, 16, 2, 2, positioned_registers>, cifar>());
  expect_valid(model_of<vit<8, 16, 2, 2, dinov2_giant>, cifar>());
  expect_valid(model_of<vit<8, 16, 2, 2, ijepa_pretraining>, cifar>());
  expect_valid(model_of<convnext<4, std::array<std::size_t, 4>{1, 1, 2, 1}>, shape<64, 32, 3>>());
  expect_valid(model_of<small_mobile, shape<32, 24, 3>>());
  expect_valid(model_of<own_network, cifar>());
  expect_valid(model_of<sequential<convolution<4, 3>, twice, global_average_pool>, cifar>());
}

TEST_CASE("a ResNet-18 is twenty convolutions with batch norms, eight sums and seventeen ReLUs") {
  const auto model = model_of<resnet18<stem::imagenet, 4>, shape<64, 64, 3>>();
  const std::map<std::string, int> expected{
      {"Sub", 1},     {"Div", 1},     {"Conv", 20},   {"BatchNormalization", 20},
      {"Add", 8},     {"Relu", 17},   {"MaxPool", 1}, {"GlobalAveragePool", 1},
      {"Flatten", 1}, {"Identity", 1}};
  CHECK(operations_of(model) == expected);
  CHECK(model.opset_import(0).version() == 17);
}

TEST_CASE("the batch is free, and input and outputs have names") {
  const auto graph = model_of<small_vit, cifar>().graph();
  CHECK(graph.input(0).name() == "images");
  CHECK(graph.input(0).type().tensor_type().shape().dim(0).dim_param() == "batch");
  CHECK(graph.input(0).type().tensor_type().shape().dim(1).dim_value() == 3);
  CHECK(graph.output(0).name() == "features");
  CHECK(graph.output(0).type().tensor_type().shape().dim(1).dim_value() == 16);
}

TEST_CASE("weights have the names, shapes and values of the encoder's file") {
  const safetensors file = file_of<small_vit, cifar>();
  const auto graph = onnx_model(encoder_model<small_vit, cifar>{file}).graph();
  std::size_t found = 0;
  for (const auto& tensor : graph.initializer()) {
    if (!file.tensors.contains(tensor.name())) continue;
    const safetensor& expected = file.at(tensor.name());
    CAPTURE(tensor.name());
    ++found;
    CHECK(std::ranges::equal(tensor.dims(), expected.shape,
                             [](auto a, auto b) { return std::size_t(a) == b; }));
    CHECK(tensor.raw_data() ==
          std::string{reinterpret_cast<const char*>(expected.bytes.data()), expected.bytes.size()});
  }
  CHECK(found == file.tensors.size());
}

TEST_CASE("normalisation is in the graph and the rest of the preprocessing in the metadata") {
  const auto model = model_of<small_vit, cifar>({.fit = image_fit::shorter_side,
                                                 .shorter_side = 40,
                                                 .normalisation = {{.1f, .2f, .3f}, {.4f, .5f, .6f}}});
  std::map<std::string, std::string> metadata;
  for (const auto& entry : model.metadata_props()) metadata[entry.key()] = entry.value();
  CHECK(metadata.at("shorter_side") == "40");
  CHECK(metadata.at("mean") == "0.1 0.2 0.3");
  CHECK(metadata.at("input").find("[0, 1]") != std::string::npos);
  const auto& tensors = model.graph().initializer();
  const auto mean = std::ranges::find(tensors, "mean", [](const auto& each) { return each.name(); });
  REQUIRE(mean != tensors.end());
  const float expected[]{.1f, .2f, .3f};
  CHECK(mean->raw_data() == std::string{reinterpret_cast<const char*>(expected), sizeof expected});
}

TEST_CASE("a classifier has logits, probabilities and the names of its classes, and its file is read back") {
  using method = classification<cifar, encoder<small_vit>, classifier<linear_classifier<3>>>;
  const temporary_folder folder;
  trainer<method, on<cpu>, sgd> learner{{}, {}, 1};
  const std::vector<std::string> names{"a", "b", "c"};
  save_classifier(folder / "classifier.safetensors", learner, names, preprocessing{});
  const classifier_model<small_vit, cifar> classifier{folder / "classifier.safetensors"};
  write_onnx(folder / "model.onnx", classifier);
  onnx::ModelProto model;
  std::ifstream file{folder / "model.onnx", std::ios::binary};
  REQUIRE(model.ParseFromIstream(&file));
  expect_valid(model);
  CHECK(model.graph().output(1).name() == "logits");
  CHECK(model.graph().output(2).name() == "probabilities");
  const auto& entries = model.metadata_props();
  const auto classes = std::ranges::find(entries, "classes", [](const auto& each) { return each.key(); });
  REQUIRE(classes != entries.end());
  CHECK(classes->value() == R"(["a","b","c"])");
}

TEST_CASE("a file that cannot be written is named") {
  const encoder_model<small_vit, cifar> model{file_of<small_vit, cifar>()};
  check_throws<std::runtime_error>([&] { write_onnx("/nowhere/model.onnx", model); }, "/nowhere/model.onnx");
}
