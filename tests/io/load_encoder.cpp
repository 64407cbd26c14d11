#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include <pretext/encoders/resnet.hpp>
#include <pretext/encoders/vit.hpp>
#include <pretext/io/load_encoder.hpp>
#include <pretext/training/initialise.hpp>

using namespace pretext;

namespace {

using images = shape<16, 16, 3>;
using pretraining = vit<4, 16, 2, 2>;
using tuning = vit<4, 16, 2, 2, mae_fine_tuning>;

template <class Encoder, class In = images>
std::vector<float> start(std::uint64_t seed) {
  std::vector<float> value(weight_count<Encoder, In>);
  initialise<float>(parameters_of<Encoder, In>, seed, value.data());
  return value;
}

template <class Encoder, class In = images>
safetensors file_of(const std::vector<float>& value, const std::string& prefix = "") {
  safetensors plain, file;
  append_torch_tensors<float>(parameters_of<Encoder, In>, value.data(), "", plain);
  file.origin = "encoder.safetensors";
  for (auto& [name, tensor] : plain.tensors) file.tensors.emplace(prefix + name, tensor);
  return file;
}

template <class Encoder, class In = images>
const parameter& row(std::string_view name) {
  return *std::ranges::find_if(parameters_of<Encoder, In>,
                               [&](const parameter& p) { return p.name() == name; });
}

}  // namespace

TEST_CASE("MAE's pretrained encoder loads for fine-tuning, except the norm after the mean") {
  const auto learned = start<pretraining>(1);
  auto file = file_of<pretraining>(learned);
  file.tensors.emplace("decoder_embed.weight", file.tensors.at("cls_token"));
  auto value = start<tuning>(2);
  const auto before = value;
  const auto found = read_pretrained<float>(parameters_of<tuning, images>, file, value.data());
  CHECK(found.missing == std::vector<std::string>{"fc_norm.weight", "fc_norm.bias"});
  CHECK(found.unused == std::vector<std::string>{"decoder_embed.weight", "norm.bias", "norm.weight"});
  CHECK(found.tensors == parameters_of<tuning, images>.size() - 2);
  for (const parameter& p : parameters_of<tuning, images>) {
    const std::string name{p.name()};
    CAPTURE(name);
    const bool kept = name.starts_with("fc_norm.");
    const float* from = kept ? before.data() + p.offset : learned.data() + row<pretraining>(name).offset;
    CHECK(std::equal(from, from + p.size(), value.data() + p.offset));
  }
}

TEST_CASE("all names may begin with one prefix, whatever wrapped the encoder") {
  using encoder = resnet18<stem::cifar, 4>;
  const auto learned = start<encoder>(1);
  for (const char* prefix :
       {"", "backbone.", "encoder.", "module.", "module.encoder_q.", "module.backbone.", "_orig_mod.",
        "model.", "net.", "student.backbone.", "model._orig_mod.module.trunk."}) {
    std::vector<float> value(learned.size());
    CHECK(read_pretrained<float>(parameters_of<encoder, images>, file_of<encoder>(learned, prefix),
                                 value.data())
              .prefix == prefix);
    CHECK(value == learned);
  }
}

TEST_CASE("of two encoders in one file MoCo's queries, BYOL's online network and DINO's teacher are read") {
  using encoder = resnet18<stem::cifar, 4>;
  const auto learned = start<encoder>(1), other = start<encoder>(2);
  std::vector<float> value(learned.size());
  const auto both = [&](const char* one, const char* two) {
    auto file = file_of<encoder>(learned, one);
    file.tensors.merge(file_of<encoder>(other, two).tensors);
    return file;
  };
  for (const auto& [wanted, unwanted] :
       std::vector<std::pair<const char*, const char*>>{{"module.encoder_q.", "module.encoder_k."},
                                                        {"online_network.", "target_network."},
                                                        {"teacher.backbone.", "student.backbone."},
                                                        {"backbone.", "backbone_momentum."},
                                                        {"backbone.", "momentum_backbone."},
                                                        {"model.", "model_ema."}}) {
    std::ranges::fill(value, 0.f);
    CHECK(
        read_pretrained<float>(parameters_of<encoder, images>, both(wanted, unwanted), value.data()).prefix ==
        wanted);
    CHECK(value == learned);
  }
  CHECK_THROWS_WITH_AS(
      read_pretrained<float>(parameters_of<encoder, images>, both("left.", "right."), value.data()),
      "encoder.safetensors: holds 2 encoders, whose names begin with \"left.\", \"right.\"; save one of them "
      "to "
      "a file of its own",
      std::runtime_error);
}

TEST_CASE("where the encoder's names are behind no prefix, the message has names of both sides") {
  using encoder = resnet18<stem::cifar, 4>;
  std::vector<float> value(weight_count<encoder, images>, 7);
  safetensors file;
  file.origin = "vit.safetensors";
  for (const char* name : {"embeddings.cls_token", "embeddings.patch_embeddings.projection.weight"})
    file.tensors[name] = safetensor::of<float>({1}, std::vector<float>{1});
  CHECK_THROWS_WITH_AS(
      read_pretrained<float>(parameters_of<encoder, images>, file, value.data()),
      doctest::Contains(
          "vit.safetensors: has 0 of the encoder's 100 tensors behind any one prefix; the encoder's "
          "are \"conv1.weight\", \"bn1.weight\", \"bn1.bias\" and 97 more, the file's are "
          "\"embeddings.cls_token\", \"embeddings.patch_embeddings.projection.weight\": it was"),
      std::runtime_error);
  CHECK(std::ranges::all_of(value, [](float x) { return x == 7; }));
}

TEST_CASE("positions of another grid are interpolated, the class token's row is unchanged") {
  using larger = shape<24, 24, 3>;
  const auto learned = start<vit<4, 16, 2, 2, supervised_init>>(1);
  auto value = start<tuning, larger>(2);
  read_pretrained<float>(parameters_of<tuning, larger>, file_of<vit<4, 16, 2, 2, supervised_init>>(learned),
                         value.data());
  const auto &from = row<vit<4, 16, 2, 2, supervised_init>>("pos_embed"),
             &to = row<tuning, larger>("pos_embed");
  CHECK(
      std::equal(learned.data() + from.offset, learned.data() + from.offset + 16, value.data() + to.offset));
  const std::vector<double> table(learned.begin() + std::ptrdiff_t(from.offset),
                                  learned.begin() + std::ptrdiff_t(from.offset + from.size()));
  const auto expected = interpolate_positions(table, {4, 4}, {6, 6}, 16);
  for (std::size_t i = 0; i < expected.size(); ++i)
    CHECK(value[to.offset + i] == static_cast<float>(expected[i]));
}

TEST_CASE("a tensor that is missing or has another shape is named in the message") {
  auto value = start<tuning>(2);
  auto file = file_of<pretraining>(start<pretraining>(1));
  file.tensors.erase("blocks.1.norm2.weight");
  CHECK_THROWS_WITH_AS(
      read_pretrained<float>(parameters_of<tuning, images>, file, value.data()),
      "encoder.safetensors: has no tensor \"blocks.1.norm2.weight\"; it was made for another encoder",
      std::runtime_error);
  using wider = vit<4, 32, 2, 2>;
  CHECK_THROWS_WITH_AS(
      read_pretrained<float>(parameters_of<tuning, images>, file_of<wider>(start<wider>(1)), value.data()),
      doctest::Contains("it was made for another encoder"), std::runtime_error);
}
