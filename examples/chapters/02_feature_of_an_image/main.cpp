// [program]
#include <cstdio>
#include <pretext/inference.hpp>

int main() {
  using namespace pretext;
  const encoder_model<resnet18<stem::cifar, 16>, shape<32, 32, 3>> model{"out/photos/encoder.safetensors"};
  inference_context context{model};
  const std::vector<std::uint8_t> frame(480 * 640 * 3, 128);  // your image: rows, columns, RGB
  const auto feature = context.encode(view_of(frame.data(), 480, 640, 3));
  std::printf("%zu values: %.2f, %.2f, ...\n", feature.size(), feature[0], feature[1]);
}
// [/program]
