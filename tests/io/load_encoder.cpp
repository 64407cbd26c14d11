#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include <pretext/encoders/resnet.hpp>
#include <pretext/encoders/vit.hpp>
#include <pretext/io/load_encoder.hpp>
#include <pretext/training/initialise.hpp>

#include "support/temporary_folder.hpp"

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

TEST_CASE(
    "I-JEPA's encoder, which has no class token, loads for fine-tuning and not as an encoder with one") {
  using without = vit<4, 16, 2, 2, ijepa_pretraining>;
  const auto learned = start<without>(1);
  const auto file = file_of<without>(learned);
  auto value = start<tuning>(2);
  const auto before = value;
  const auto found = read_pretrained<float>(parameters_of<tuning, images>, file, value.data());
  CHECK(found.missing == std::vector<std::string>{"cls_token", "fc_norm.weight", "fc_norm.bias"});
  const auto same = [&](const char* name, const std::vector<float>& other, std::size_t at) {
    const parameter& p = row<tuning>(name);
    return std::equal(other.begin() + std::ptrdiff_t(at), other.begin() + std::ptrdiff_t(at + p.size()),
                      value.begin() + std::ptrdiff_t(p.offset));
  };
  CHECK(same("cls_token", before, row<tuning>("cls_token").offset));
  CHECK(same("blocks.1.mlp.fc2.weight", learned, row<without>("blocks.1.mlp.fc2.weight").offset));
  auto other = start<pretraining>(2);
  check_throws<std::runtime_error>(
      [&] { read_pretrained<float>(parameters_of<pretraining, images>, file, other.data()); },
      "\"cls_token\"");
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

TEST_CASE("what was changed on the way is reported by parameter") {
  using supervised = vit<4, 16, 2, 2, supervised_init>;
  const auto learned = start<supervised>(1);
  auto value = start<supervised>(2);
  CHECK(read_pretrained<float>(parameters_of<supervised, images>, file_of<supervised>(learned), value.data())
            .changed.empty());
  auto larger = start<supervised, shape<24, 24, 3>>(2);
  CHECK(read_pretrained<float>(parameters_of<supervised, shape<24, 24, 3>>, file_of<supervised>(learned),
                               larger.data())
            .changed ==
        std::map<std::string, std::string>{{"pos_embed", "interpolated from 4 x 4 to 6 x 6 positions"}});
}

TEST_CASE("a LayerScale is multiplied into the weights and biases before it") {
  using encoder = vit<4, 16, 2, 2>;
  const auto learned = start<encoder>(1);
  auto file = file_of<encoder>(learned, "backbone.");
  const auto scales = [&](const std::string& name, float first) {
    std::vector<float> gamma(16);
    for (std::size_t i = 0; i < 16; ++i) gamma[i] = first + static_cast<float>(i) / 8;
    file.tensors["backbone." + name] = safetensor::of<float>({16}, gamma);
  };
  scales("blocks.0.ls1.gamma", 1);   // timm and DINOv2
  scales("blocks.1.gamma_2", -.5f);  // BEiT
  auto value = start<encoder>(2);
  const auto found = read_pretrained<float>(parameters_of<encoder, images>, file, value.data());
  CHECK(found.unused.empty());
  CHECK(found.changed.size() == 4);
  for (const parameter& p : parameters_of<encoder, images>) {
    const std::string name{p.name()};
    CAPTURE(name);
    const bool first = name.starts_with("blocks.0.attn.proj."),
               second = name.starts_with("blocks.1.mlp.fc2.");
    CHECK(found.changed.contains(name) == (first || second));
    const std::size_t row_size = p.size() / (first || second ? 16 : p.size());
    for (std::size_t i = 0; i < p.size(); ++i) {
      const float gamma = first || second ? (first ? 1.f : -.5f) + static_cast<float>(i / row_size) / 8 : 1.f;
      CHECK(value[p.offset + i] == doctest::Approx(gamma * learned[p.offset + i]));
    }
  }
  file.tensors["backbone.blocks.0.ls2.gamma"] = safetensor::of<float>({3}, std::vector<float>(3));
  CHECK_THROWS_WITH_AS(
      read_pretrained<float>(parameters_of<encoder, images>, file, value.data()),
      "encoder.safetensors: \"backbone.blocks.0.ls2.gamma\" has 3 values, which do not scale "
      "\"backbone.blocks.0.mlp.fc2.weight\" of shape [16, 64]",
      std::runtime_error);
}

TEST_CASE("torchvision's vision transformers are read, old and new names of their MLP") {
  using encoder = vit<4, 16, 2, 2, supervised_init>;
  const auto learned = start<encoder>(1);
  for (const bool old_names : {false, true}) {
    safetensors file;
    for (auto& [name, tensor] : file_of<encoder>(learned).tensors) {
      std::string theirs = name;
      const auto rename = [&](const std::string& from, const std::string& to) {
        if (const std::size_t at = theirs.find(from); at != theirs.npos) theirs.replace(at, from.size(), to);
      };
      rename("cls_token", "class_token");
      rename("pos_embed", "encoder.pos_embedding");
      rename("patch_embed.proj", "conv_proj");
      rename("blocks.", "encoder.layers.encoder_layer_");
      rename("norm1", "ln_1");
      rename("norm2", "ln_2");
      rename("attn.qkv.", "self_attention.in_proj_");
      rename("attn.proj", "self_attention.out_proj");
      rename("fc1", old_names ? "linear_1" : "0");
      rename("fc2", old_names ? "linear_2" : "3");
      if (theirs.starts_with("norm.")) rename("norm", "encoder.ln");
      file.tensors["module." + theirs] = tensor;
    }
    file.tensors["module.heads.head.bias"] = safetensor::of<float>({2}, std::vector<float>(2));
    auto value = start<encoder>(2);
    const auto found = read_pretrained<float>(parameters_of<encoder, images>, file, value.data());
    CHECK(found.prefix == "module.");
    CHECK(found.unused == std::vector<std::string>{"module.head.bias"});
    CHECK(value == learned);
  }
}

TEST_CASE("positions without one for the class token give it zeros") {
  using encoder = vit<4, 16, 2, 2, supervised_init>;
  const auto learned = start<encoder>(1);
  auto file = file_of<encoder>(learned);
  const auto table = file.as<float>("pos_embed");
  file.tensors["pos_embed"] =
      safetensor::of<float>({1, 16, 16}, std::vector<float>(table.begin() + 16, table.end()));
  auto value = start<encoder>(2);
  const auto found = read_pretrained<float>(parameters_of<encoder, images>, file, value.data());
  CHECK(found.changed.at("pos_embed") == "zeros added for the class token");
  const float* positions = value.data() + row<encoder>("pos_embed").offset;
  CHECK(std::all_of(positions, positions + 16, [](float x) { return x == 0; }));
  CHECK(std::equal(positions + 16, positions + 17 * 16, table.begin() + 16));
}

TEST_CASE(
    "the class token's row goes to the token where the encoder has no row, registers and scales may be new") {
  using with_registers = vit<4, 16, 2, 2, dinov2_registers>;
  using plain = vit<4, 16, 2, 2, supervised_init>;
  const auto learned = start<plain>(1);
  auto value = start<with_registers>(2);
  const auto before = value;
  const auto found =
      read_pretrained<float>(parameters_of<with_registers, images>, file_of<plain>(learned), value.data());
  CHECK(found.missing == std::vector<std::string>{"reg_token"});
  CHECK(found.changed.at("pos_embed") == "the class token's row added to cls_token");
  CHECK(found.changed.at("blocks.1.ls2.gamma") == "1, because the file has none");
  CHECK(found.changed.size() == 5);
  const auto at = [&](std::string_view name) { return row<with_registers>(name).offset; };
  const float *token = learned.data() + row<plain>("cls_token").offset,
              *positions = learned.data() + row<plain>("pos_embed").offset;
  for (std::size_t i = 0; i < 16; ++i) {
    CHECK(value[at("cls_token") + i] == doctest::Approx(token[i] + positions[i]));
    CHECK(value[at("blocks.1.ls2.gamma") + i] == 1);
  }
  CHECK(std::equal(positions + 16, positions + 17 * 16, value.data() + at("pos_embed")));
  CHECK(value[at("reg_token")] == before[at("reg_token")]);
}

TEST_CASE("an encoder of a grid that is no square reads its own file as it is") {
  using wide = shape<16, 24, 3>;  // 24 patches and a class token: 25 rows
  using encoder = vit<4, 16, 2, 2, supervised_init>;
  const auto learned = start<encoder, wide>(1);
  auto value = start<encoder, wide>(2);
  CHECK(read_pretrained<float>(parameters_of<encoder, wide>, file_of<encoder, wide>(learned), value.data(),
                               {4, 6})
            .changed.empty());
  CHECK(value == learned);
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
