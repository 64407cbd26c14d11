#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>
#include <numeric>
#include <vector>

#include <pretext/devices/cpu.hpp>
#include <pretext/encoders/resnet.hpp>
#include <pretext/io/torch_weights.hpp>

using namespace pretext;

namespace {
struct net : sequential<named<"stem", convolution<4, 3>>, named<"norm", batch_norm<>>> {};
constexpr auto table = parameters_of<net, shape<8, 8, 2>>;

std::vector<float> counted() {
  std::vector<float> w(parameter_count(table));
  std::iota(w.begin(), w.end(), 0.f);
  return w;
}
}  // namespace

TEST_CASE("a convolution is written in PyTorch's order: out, in, row, column") {
  safetensors file;
  const auto w = counted();
  append_torch_tensors<float>(table, w.data(), "", file);
  const auto& tensor = file.at("stem.weight");
  CHECK(tensor.shape == std::vector<std::size_t>{4, 2, 3, 3});
  const auto numbers = tensor.as<float>();
  for (std::size_t o = 0; o < 4; ++o)
    for (std::size_t i = 0; i < 2; ++i)
      for (std::size_t y = 0; y < 3; ++y)
        for (std::size_t x = 0; x < 3; ++x)
          CHECK(numbers[((o * 2 + i) * 3 + y) * 3 + x] == w[((y * 3 + x) * 2 + i) * 4 + o]);
}

TEST_CASE("weights are read back bit for bit, and additional tensors of PyTorch are ignored") {
  safetensors file;
  const auto w = counted();
  append_torch_tensors<float>(table, w.data(), "", file, 17);
  CHECK(file.at("norm.num_batches_tracked").as<std::int64_t>() == std::vector<std::int64_t>{17});
  file.tensors["fc.weight"] = safetensor::of<float>({2}, std::vector<float>{1, 2});
  std::vector<float> again(w.size());
  const auto loaded = read_torch_tensors<float>(table, file, "", again.data());
  CHECK(again == w);
  CHECK(loaded.tensors == table.size());
  CHECK(loaded.unused == std::vector<std::string>{"fc.weight", "norm.num_batches_tracked"});
}

TEST_CASE("a prefix selects a part of a network and is removed from its names") {
  safetensors whole, part;
  const auto w = counted();
  append_torch_tensors<float>(table, w.data(), "stem.", part);
  CHECK(part.tensors.size() == 1);
  CHECK(part.tensors.begin()->first == "weight");
  for (const auto& [name, tensor] : std::map<std::string, safetensor>{part.tensors})
    whole.tensors["backbone.stem." + name] = tensor;
  CHECK_THROWS_WITH_AS(
      read_torch_tensors<float>(table, whole, "backbone.", std::vector<float>(w.size()).data()),
      doctest::Contains("backbone.norm.weight"), std::runtime_error);
}

TEST_CASE("a tensor of another shape is rejected with both shapes") {
  safetensors file;
  const auto w = counted();
  append_torch_tensors<float>(table, w.data(), "", file);
  file.origin = "other.safetensors";
  file.tensors["stem.weight"].shape = {4, 2, 9, 1};
  CHECK_THROWS_WITH_AS(
      read_torch_tensors<float>(table, file, "", std::vector<float>(w.size()).data()),
      doctest::Contains(
          "other.safetensors: \"stem.weight\" has shape [4, 2, 9, 1], the encoder needs [4, 2, 3, 3]"),
      std::runtime_error);
}

TEST_CASE("NaN and infinity are refused with the tensor and the element, and nothing is written") {
  safetensors file;
  const auto w = counted();
  append_torch_tensors<float>(table, w.data(), "", file);
  file.origin = "other.safetensors";
  for (const float fault : {NAN, INFINITY, -INFINITY}) {
    auto broken = file;
    auto values = broken.at("norm.bias").as<float>();
    values[2] = fault;
    broken.tensors["norm.bias"] = safetensor::of<float>({4}, values);
    std::vector<float> read(w.size(), -1);
    CHECK_THROWS_WITH_AS(
        read_torch_tensors<float>(table, broken, "", read.data()),
        doctest::Contains("other.safetensors: \"norm.bias\" holds NaN or infinity, first in element 2"),
        std::runtime_error);
    CHECK(read == std::vector<float>(w.size(), -1));
  }
}

TEST_CASE("a prefix that no parameter has is an error instead of an empty file") {
  safetensors file;
  CHECK_THROWS_WITH_AS(
      append_torch_tensors<float>(table, counted().data(), "backbone.", file),
      doctest::Contains("no parameter's name begins with \"backbone.\"; the first is \"stem.weight\""),
      std::invalid_argument);
  CHECK(file.tensors.empty());
}

TEST_CASE("two layers of one name are an error instead of a file without one of them") {
  struct twins : sequential<named<"norm", batch_norm<>>, named<"norm", batch_norm<>>> {};
  constexpr auto both = parameters_of<twins, shape<8, 8, 2>>;
  safetensors file;
  CHECK_THROWS_WITH_AS(append_torch_tensors<float>(both, std::vector<float>(16).data(), "", file),
                       doctest::Contains("two parameters are called \"norm.bias\""), std::invalid_argument);
}
