#pragma once
#include <algorithm>
#include <cstddef>
#include <memory>

#include <pretext/inference/classifier_file.hpp>
#include <pretext/io/safetensors.hpp>

#include "encoder_list.hpp"
#include "recorded_network.hpp"

// The types of a network that a file of the programs holds, chosen at run time by the file's metadata.
namespace programs {

/// `make.operator()<Encoder, Images>()` for the types of the file's encoder. A ViT whose feature is the mean
/// of its tokens, as in fine-tuning, has the tensor fc_norm.weight. Throws std::invalid_argument that lists
/// the encoders of this program if the file's is none of them.
template <class Product, class Make>
std::unique_ptr<Product> make_for_file(const pretext::safetensors& file, const Make& make) {
  const recorded_network found = network_of(file);
  const auto make_entry = [&]<class Encoder, std::size_t Size, std::size_t Channels>(
                              const compiled_encoder<Encoder, Size, Channels>&) {
    return make.template operator()<Encoder, pretext::shape<Size, Size, Channels>>();
  };
  if (file.tensors.contains("fc_norm.weight"))
    return make_for_encoder<Product>(finetune_encoders, found, make_entry);
  return with_encoders_of(found.method, [&](const auto& encoders) {
    return make_for_encoder<Product>(encoders, found, make_entry);
  });
}

/// Does the file hold a classifier beside the encoder?
inline bool has_classifier(const pretext::safetensors& file) {
  return std::ranges::any_of(file.tensors,
                             [](const auto& entry) { return pretext::belongs_to_classifier(entry.first); });
}

}  // namespace programs
