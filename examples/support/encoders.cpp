#include "encoders.hpp"

#include <pretext/io/load_encoder.hpp>

void programs::load_encoder(const std::filesystem::path& path, pretext::any_encoder& encoder) {
  const pretext::safetensors file = pretext::read_safetensors(path);
  encoder.change_values(
      [&](float* values) { pretext::read_pretrained<float>(encoder.encoder_parameters(), file, values); });
}
