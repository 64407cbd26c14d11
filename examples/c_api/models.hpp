#pragma once
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <type_traits>

#include <pretext/core/expects.hpp>
#include <pretext/inference.hpp>

#include "support/trained_file.hpp"

// A model whose type the file decides: a few virtual calls around encoder_model and classifier_model.
namespace c_api {

/// What encodes and classifies for one thread at a time.
class session {
 public:
  virtual ~session() = default;
  virtual std::span<const float> features(std::span<const pretext::image_view> images) = 0;
  virtual std::span<const float> probabilities(std::span<const pretext::image_view> images) = 0;
};

/// A constant model that threads share.
class model {
 public:
  virtual ~model() = default;
  virtual std::unique_ptr<session> open(std::size_t threads) const = 0;
  virtual std::size_t feature_size() const = 0;
  virtual std::size_t channels() const = 0;
  virtual std::span<const std::string> class_names() const = 0;
};

/// A model of the library and its contexts; each context is created by the first call that needs it.
template <class Encoder, class Images, class Model>
class model_of final : public model {
  static constexpr bool classifies = std::is_same_v<Model, pretext::classifier_model<Encoder, Images>>;

  class session_of final : public session {
   public:
    session_of(const Model& from, std::size_t threads) : model_{from}, options_{.threads = threads} {}

    std::span<const float> features(std::span<const pretext::image_view> images) override {
      if (!encoding_) encoding_.emplace(encoder_of(model_), options_);
      return encoding_->encode(images);
    }
    std::span<const float> probabilities(std::span<const pretext::image_view> images) override {
      if constexpr (classifies) {
        if (!classifying_) classifying_.emplace(model_, options_);
        return classifying_->probabilities(images);
      } else {
        throw std::invalid_argument{"the file holds an encoder and no classifier; fine-tune it first"};
      }
    }

   private:
    const Model& model_;
    pretext::inference_options options_;
    std::optional<pretext::inference_context<Encoder, Images, pretext::on<pretext::cpu>>> encoding_;
    std::optional<pretext::classifier_context<Encoder, Images, pretext::on<pretext::cpu>>> classifying_;
  };

 public:
  explicit model_of(const pretext::safetensors& file) : model_{file} {}

  std::unique_ptr<session> open(std::size_t threads) const override {
    return std::make_unique<session_of>(model_, threads);
  }
  std::size_t feature_size() const override { return Model::feature_size; }
  std::size_t channels() const override { return pretext::channels_of<Images>; }
  std::span<const std::string> class_names() const override {
    if constexpr (classifies)
      return model_.class_names();
    else
      return {};
  }

 private:
  static const auto& encoder_of(const Model& from) {
    if constexpr (classifies)
      return from.encoder();
    else
      return from;
  }

  Model model_;
};

/// The model in a file of the programs.
inline std::unique_ptr<model> load(const pretext::safetensors& file) {
  return programs::make_for_file<model>(file, [&]<class Encoder, class Images>() -> std::unique_ptr<model> {
    using encoder = pretext::encoder_model<Encoder, Images>;
    using classifier = pretext::classifier_model<Encoder, Images>;
    if (programs::has_classifier(file)) return std::make_unique<model_of<Encoder, Images, classifier>>(file);
    return std::make_unique<model_of<Encoder, Images, encoder>>(file);
  });
}

}  // namespace c_api
