// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <map>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <pretext/core/context.hpp>
#include <pretext/core/expects.hpp>
#include <pretext/core/is_finite.hpp>
#include <pretext/evaluation/features.hpp>
#include <pretext/io/safetensors.hpp>
#include <pretext/kernels/cpu/elementwise.hpp>
#include <pretext/kernels/cpu/gemm.hpp>

namespace pretext::inline v0_1 {

namespace detail {

/// Replaces the logits of each row by probabilities.
inline void softmax_rows(std::vector<float>& logits, std::size_t classes) {
  for (std::size_t first = 0; first < logits.size(); first += classes) {
    const std::span row{logits.data() + first, classes};
    const float largest = std::ranges::max(row);
    float sum = 0;
    for (float& value : row) sum += value = std::exp(value - largest);
    for (float& value : row) value /= sum;
  }
}

}  // namespace detail

/// A linear classifier of features with the scaling that it was trained on: a trained `linear_probe`. It
/// classifies features of new images; threads may share it, each with its own stream.
struct feature_classifier {
  std::size_t width = 0;                 ///< values of a feature
  std::vector<float> scale, shift;       ///< (width): a feature is multiplied, then shifted
  std::vector<float> weight;             ///< (classes, width), for scaled features
  std::vector<float> bias;               ///< (classes)
  std::vector<std::string> class_names;  ///< (classes), or empty
  bool unit_length = false;              ///< are features scaled to length 1 before that?

  std::size_t classes() const { return bias.size(); }

  /// The logits of features, (count, classes). Throws std::invalid_argument if their width differs or one is
  /// NaN or infinite.
  std::vector<float> logits(const feature_view& features, const cpu::stream& stream = {}) const {
    expects_finite(features, "classifier");
    expects(features.width() == width, "classifier: it was trained on features of width ", width,
            ", and these have ", features.width());
    constexpr std::size_t block = 4096;
    on<cpu> context{.stream = stream};
    std::vector<float> all(features.count() * classes()), x;
    for (std::size_t first = 0; first < features.count(); first += block) {
      const std::size_t count = std::min(block, features.count() - first);
      const std::span some{features.row(first), count * width};
      if (unit_length)
        x = unit_rows({some, width}, stream);
      else
        x.assign(some.begin(), some.end());
      for (std::size_t i = 0; i < x.size(); ++i) x[i] = x[i] * scale[i % width] + shift[i % width];
      float* to = all.data() + first * classes();
      kernels::gemm<cpu>::run(context, kernels::op::none, kernels::op::transposed, count, classes(), width,
                              std::as_const(x).data(), weight.data(), to, kernels::write_mode::overwrite);
      kernels::channel_bias<cpu>::add(context, count, classes(), bias.data(), to);
    }
    return all;
  }

  /// The probabilities of the classes, (count, classes), which are the softmax of the logits. Throws as
  /// `logits` does.
  std::vector<float> probabilities(const feature_view& features, const cpu::stream& stream = {}) const {
    std::vector<float> all = logits(features, stream);
    detail::softmax_rows(all, classes());
    return all;
  }

  /// The class of each feature. Throws as `logits` does.
  std::vector<int> classify(const feature_view& features, const cpu::stream& stream = {}) const {
    const std::vector<float> all = logits(features, stream);
    std::vector<int> named;
    for (std::size_t first = 0; first < all.size(); first += classes()) {
      const auto row = all.begin() + static_cast<std::ptrdiff_t>(first);
      named.push_back(
          static_cast<int>(std::max_element(row, row + static_cast<std::ptrdiff_t>(classes())) - row));
    }
    return named;
  }

  friend bool operator==(const feature_classifier&, const feature_classifier&) = default;
};

/// Writes a classifier as a safetensors file, beside the file of its encoder: tensors "weight", "bias",
/// "scale" and "shift", and in the metadata "unit_length" and the names of the classes, "class/0" and so on.
/// `metadata` is written besides. Throws std::runtime_error if the file cannot be written.
inline void save_feature_classifier(const std::filesystem::path& path, const feature_classifier& classifier,
                                    std::map<std::string, std::string> metadata = {}) {
  const std::size_t classes = classifier.classes(), width = classifier.width;
  safetensors file;
  file.metadata = std::move(metadata);
  file.metadata.insert({{"format", "pt"}, {"made_by", "pretext"}});
  file.metadata["unit_length"] = classifier.unit_length ? "true" : "false";
  for (std::size_t c = 0; c < classifier.class_names.size(); ++c)
    file.metadata["class/" + std::to_string(c)] = classifier.class_names[c];
  file.tensors["weight"] = safetensor::of<float>({classes, width}, classifier.weight);
  file.tensors["bias"] = safetensor::of<float>({classes}, classifier.bias);
  file.tensors["scale"] = safetensor::of<float>({width}, classifier.scale);
  file.tensors["shift"] = safetensor::of<float>({width}, classifier.shift);
  write_safetensors(path, file);
}

/// Reads a file of `save_feature_classifier`. Throws std::runtime_error that names the file if it holds no
/// classifier of features.
inline feature_classifier load_feature_classifier(const std::filesystem::path& path) {
  const safetensors file = read_safetensors(path);
  for (const char* name : {"weight", "bias", "scale", "shift"})
    if (!file.tensors.contains(name))
      throw_error<std::runtime_error>(path.string(), ": has no tensor \"", name,
                                      "\"; it is no classifier of features, such as `classify` writes");
  feature_classifier loaded{file.at("scale").size(),
                            file.as<float>("scale"),
                            file.as<float>("shift"),
                            file.as<float>("weight"),
                            file.as<float>("bias"),
                            {},
                            false};
  const auto unit = file.metadata.find("unit_length");
  loaded.unit_length = unit != file.metadata.end() && unit->second == "true";
  if (loaded.classes() == 0 || loaded.width == 0 || loaded.shift.size() != loaded.width ||
      loaded.weight.size() != loaded.classes() * loaded.width)
    throw_error<std::runtime_error>(
        path.string(), ": the tensors of the classifier do not fit together: weight ",
        file.at("weight").shape_text(), ", bias ", file.at("bias").shape_text(), ", scale ",
        file.at("scale").shape_text(), ", shift ", file.at("shift").shape_text());
  for (const auto* values : {&loaded.scale, &loaded.shift, &loaded.weight, &loaded.bias})
    if (!std::ranges::all_of(*values, [](float value) { return pretext::detail::is_finite(value); }))
      throw_error<std::runtime_error>(path.string(), ": the classifier holds NaN or infinity");
  for (std::size_t c = 0; c < loaded.classes(); ++c)
    if (const auto name = file.metadata.find("class/" + std::to_string(c)); name != file.metadata.end())
      loaded.class_names.push_back(name->second);
  if (!loaded.class_names.empty() && loaded.class_names.size() != loaded.classes())
    throw_error<std::runtime_error>(path.string(), ": names ", loaded.class_names.size(), " of ",
                                    loaded.classes(), " classes");
  return loaded;
}

}  // namespace pretext::inline v0_1
