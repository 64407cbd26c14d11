// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <concepts>
#include <cstddef>
#include <filesystem>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <pretext/core/expects.hpp>
#include <pretext/heads/linear_classifier.hpp>
#include <pretext/inference/class_names.hpp>
#include <pretext/inference/encoder_model.hpp>
#include <pretext/kernels/elementwise.hpp>
#include <pretext/kernels/linear.hpp>

namespace pretext::inline v0_1 {

/// A trained classifier: an encoder, the linear layer on its feature, the preprocessing of its images and the
/// names of its classes, whose number the file decides. Constant after construction; any number of threads
/// may use one model at the same time, each through its own `classifier_context`.
template <class Encoder, Shape Images, class Context = on<cpu>>
class classifier_model {
  using W = typename Context::weight;
  using T = typename Context::activation;
  using device = typename Context::device;

 public:
  using encoder_type = encoder_model<Encoder, Images, Context>;
  using preprocessing_type = typename encoder_type::preprocessing_type;
  static constexpr std::size_t feature_size = encoder_type::feature_size;
  /// The linear layer's name in files: `fc` or `head`.
  static constexpr std::string_view head_name = detail::classifier_name<Encoder>;

  /// Reads a file that `save_classifier` or the program `finetune` wrote, with the preprocessing that it
  /// records. Throws std::runtime_error that names the file if it records none, was written for images of
  /// another size, holds another encoder, or holds no classifier.
  explicit classifier_model(const std::filesystem::path& path) : classifier_model{read_safetensors(path)} {}
  /// Reads any classifier in torchvision's or timm's names, and uses this preprocessing instead of the
  /// file's. Classes that the file does not name are called by their numbers.
  classifier_model(const std::filesystem::path& path, const preprocessing_type& how)
      : classifier_model{read_safetensors(path), how} {}

  /// The same for a file that is in memory already.
  explicit classifier_model(const safetensors& file) : classifier_model{encoder_type{file}, file} {}
  classifier_model(const safetensors& file, const preprocessing_type& how)
      : classifier_model{encoder_type{file, how}, file} {}

  /// The encoder without the linear layer, for features.
  const encoder_type& encoder() const { return encoder_; }
  const preprocessing_type& preprocessing() const { return encoder_.preprocessing(); }
  std::size_t classes() const { return names_.size(); }
  /// The names in the order of the outputs.
  std::span<const std::string> class_names() const { return names_; }

  /// Writes the logits (n, classes) of n features on the device.
  void infer_head(Context& context, reads<Context, typename encoder_type::feature> features,
                  T* logits) const {
    kernels::linear_epilogue<T, W> epilogue;
    epilogue.bias = head_.data() + classes() * feature_size;
    const T* operands = nullptr;
    if constexpr (std::same_as<T, W>)
      operands = head_.data();
    else
      operands = rounded_.data();
    epilogue.rounded_bias = operands + classes() * feature_size;
    kernels::linear<device>::forward(context, {features.batch, feature_size, classes()}, features.data,
                                     operands, epilogue, logits);
  }

  /// A copy of the linear layer: the weight (classes, D), then the bias (classes).
  std::vector<W> head() const {
    std::vector<W> values(head_.size());
    device::read(Context{}.stream, values.data(), head_.data(), values.size());
    return values;
  }

 private:
  classifier_model(encoder_type encoder, const safetensors& file) : encoder_{std::move(encoder)} {
    const std::string prefix = prefix_of_head(file);
    const auto& shape = file.at(prefix + ".weight").shape;
    if (shape.size() != 2 || shape[0] == 0 || shape[1] != feature_size)
      throw_error<std::runtime_error>(file.origin, ": ", detail::quote(prefix + ".weight"), " has shape ",
                                      file.at(prefix + ".weight").shape_text(), ", not [classes, ",
                                      feature_size, "]; it was made for another encoder");
    names_ = read_class_names(file, shape[0]);
    auto table = with_offsets(
        parameters<2>{parameter{"weight", {shape[0], shape[1]}, {}}, parameter{"bias", {shape[0]}, {}}});
    std::vector<W> host(parameter_count(table));
    read_torch_tensors<W>(table, file, prefix + ".", host.data());
    head_ = buffer<W, device>{host.size()};
    Context context;
    device::write(context.stream, head_.data(), host.data(), host.size());
    if constexpr (!std::same_as<T, W>) {
      rounded_ = buffer<T, device>{host.size()};
      kernels::elementwise<device>::copy(context, host.size(), head_.data(), rounded_.data());
    }
    if constexpr (has_separate_memory<device>)  // later reads come from other streams
      device::read(context.stream, host.data(), head_.data(), host.size());
  }

  /// The linear layer's name in the file, behind the encoder's prefix or without one.
  static std::string prefix_of_head(const safetensors& file) {
    const std::string name{head_name};
    std::vector<std::string> found;
    for (const auto& [tensor, value] : file.tensors)
      if (tensor == name + ".weight" || tensor.ends_with("." + name + ".weight"))
        found.push_back(tensor.substr(0, tensor.size() - std::string_view{".weight"}.size()));
    if (found.empty())
      throw_error<std::runtime_error>(file.origin, ": has no tensor \"", name,
                                      ".weight\": it holds no classifier; load it as an encoder_model, or "
                                      "fine-tune the encoder first");
    return *std::ranges::min_element(found, {}, &std::string::size);
  }

  encoder_type encoder_;
  std::vector<std::string> names_;
  buffer<W, device> head_;     // weight (classes, D), then bias
  buffer<T, device> rounded_;  // the values once more, where activations are stored otherwise
};

}  // namespace pretext::inline v0_1
