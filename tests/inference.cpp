// The front header is the only one of the library here; classes are tested in tests/inference.
#include <pretext/inference.hpp>

#include "support/temporary_folder.hpp"

#include <cstddef>
#include <vector>

#include <doctest/doctest.h>

using namespace pretext;

namespace {

/// A file as PyTorch would write it, every weight 0.01.
template <class Network, class Images>
safetensors file_of() {
  safetensors file;
  file.origin = "encoder.safetensors";
  constexpr const auto& table = parameters_of<Network, Images>;
  append_torch_tensors<float>(table, std::vector<float>(parameter_count(table), .01f).data(), "", file);
  return file;
}

}  // namespace

TEST_CASE_TEMPLATE("the front header has everything that a ResNet, a ViT and a network of a user's own need",
                   Network, resnet18<stem::cifar, 4>, vit<8, 16, 1, 2>,
                   sequential<convolution<4, 3>, batch_norm<>, relu, global_average_pool>) {
  using images = shape<16, 16, 3>;
  const encoder_model<Network, images> model{file_of<Network, images>(), preprocessing{}};
  inference_context context{model};
  const std::vector<std::uint8_t> pixels(20 * 24 * 3, 100);
  CHECK(context.encode(view_of(pixels.data(), 20, 24, 3)).size() == model.feature_size);
}
