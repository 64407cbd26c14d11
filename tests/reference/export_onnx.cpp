// The C++ half of compare_onnx.py: for each encoder an ONNX file, random images, and the features and
// probabilities that the library computes for them.
//   export_onnx FOLDER
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include <pretext/inference.hpp>
#include <pretext/inference/classifier_file.hpp>
#include <pretext/inference/write_onnx.hpp>
#include <pretext/training/initialise.hpp>

using namespace pretext;

namespace {

/// Layers that no encoder of the library has in this order.
struct own_network
    : sequential<convolution<4, 3, 2, 1, bias::yes>, layer_norm, gelu, batch_norm<affine::scale>,
                 residual<sequential<convolution<4, 3>, batch_norm<affine::none>, relu>>, max_pool<3, 2, 1>,
                 global_average_pool, linear<6, bias::no>, batch_norm<>, mlp<2>> {};

/// Registers after a class token with a position, and positions of another grid.
struct own_registers : dinov2_pretraining {
  using grid = shape<48, 48, 3>;
  static constexpr std::size_t registers = 3;
};

/// Normalised inputs (N, H, W, C) and, for ONNX, the same images (N, C, H, W) in [0, 1].
template <class Images>
void draw(std::size_t count, const basic_normalise<channels_of<Images>>& how, std::vector<float>& planes,
          std::vector<float>& inputs) {
  constexpr std::size_t channels = channels_of<Images>, places = position_count<Images>;
  planes.resize(count * Images::size);
  inputs.resize(planes.size());
  const auto mean = [&](std::size_t c) {
    if constexpr (channels == 3)
      return (&how.mean.r)[c];
    else
      return how.mean.channel[c];
  };
  const auto deviation = [&](std::size_t c) {
    if constexpr (channels == 3)
      return (&how.deviation.r)[c];
    else
      return how.deviation.channel[c];
  };
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const std::size_t image = i / Images::size, place = i % Images::size / channels, c = i % channels;
    const auto value = static_cast<float>(random_key{3, 0, i}.uniform(0));
    planes[(image * channels + c) * places + place] = value;
    inputs[i] = (value - mean(c)) / deviation(c);
  }
}

template <class Encoder, class Images>
void write_case(const std::filesystem::path& folder, const std::string& name, bool classifies = false) {
  using network = sequential<named<"", Encoder>,
                             named<detail::classifier_name<Encoder>, linear_classifier<7, torch_init>>>;
  constexpr const auto& table = parameters_of<network, Images>;
  std::vector<float> value(parameter_count(table));
  initialise<float>(table, 5, value.data());
  for (const parameter& p : table)  // no scale or statistic may stay at a value that hides a mistake
    for (std::size_t i = 0; p.rank == 1 && i < p.size(); ++i)
      value[p.offset + i] =
          value[p.offset + i] * .5f + .25f + .5f * random_key{9, 0, p.offset + i}.uniform(0);
  basic_preprocessing<channels_of<Images>> how;
  if constexpr (channels_of<Images> == 3)
    how.normalisation = normalise{};
  else
    for (std::size_t c = 0; c < channels_of<Images>; ++c) {
      how.normalisation.mean.channel[c] = .1f * static_cast<float>(c + 1);
      how.normalisation.deviation.channel[c] = .5f / static_cast<float>(c + 1);
    }
  save_classifier<float>(folder / "weights.safetensors", table, value.data(), 7, {},
                         info_of<Encoder, Images>(how));
  const classifier_model<Encoder, Images> model{folder / "weights.safetensors"};
  if (classifies)
    write_onnx(folder / (name + ".onnx"), model);
  else
    write_onnx(folder / (name + ".onnx"), model.encoder());

  constexpr std::size_t count = 3;
  std::vector<float> planes, inputs;
  draw<Images>(count, how.normalisation, planes, inputs);
  inference_context context{model.encoder()};
  const auto features = context.encode_tensor({inputs.data(), count});
  safetensors out;
  out.tensors["images"] =
      safetensor::of<float>({count, channels_of<Images>, Images::extents[0], Images::extents[1]}, planes);
  out.tensors["features"] = safetensor::of<float>({count, model.feature_size}, features);
  if (classifies) {
    on<cpu> compute;
    std::vector<float> logits(count * 7);
    model.infer_head(compute, {features.data(), count}, logits.data());
    out.tensors["logits"] = safetensor::of<float>({count, 7}, logits);
  }
  write_safetensors(folder / (name + ".safetensors"), out);
}

}  // namespace

int main(int count, char** words) {
  if (count != 2) return std::fputs("usage: export_onnx FOLDER\n", stderr), 1;
  const std::filesystem::path folder = words[1];
  write_case<resnet18<stem::cifar, 16>, shape<32, 32, 3>>(folder, "resnet18-thin");
  write_case<resnet18<>, shape<96, 96, 3>>(folder, "resnet18", true);
  write_case<resnet50<stem::imagenet, 16>, shape<64, 48, 1>>(folder, "resnet50");
  write_case<vit<4, 128, 6, 4>, shape<32, 32, 3>>(folder, "vit-micro");
  write_case<vit<8, 64, 3, 4, mae_fine_tuning>, shape<32, 48, 5>>(folder, "vit-mean", true);
  write_case<vit_tiny<16, supervised_init>, shape<224, 224, 3>>(folder, "vit-tiny");
  write_case<vit<4, 64, 2, 4, own_registers>, shape<32, 24, 3>>(folder, "vit-registers");
  write_case<vit<14, 64, 2, 4, dinov2_registers>, shape<28, 28, 3>>(folder, "vit-registers-timm");
  write_case<vit<4, 64, 2, 4, dinov2_giant>, shape<32, 32, 3>>(folder, "vit-gated");
  write_case<vit<4, 64, 2, 4, ijepa_pretraining>, shape<32, 32, 3>>(folder, "vit-no-class-token", true);
  write_case<convnext<16, std::array<std::size_t, 4>{1, 1, 2, 1}>, shape<64, 32, 3>>(folder, "convnext",
                                                                                     true);
  write_case<wide_resnet50<stem::imagenet, 8>, shape<64, 64, 3>>(folder, "resnet-wide");
  write_case<mobilenet_v3_small, shape<96, 64, 3>>(folder, "mobilenet-v3-small", true);
  write_case<own_network, shape<32, 32, 3>>(folder, "own-network");
}
