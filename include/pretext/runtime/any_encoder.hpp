#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include <pretext/augment/views.hpp>
#include <pretext/core/concepts.hpp>
#include <pretext/core/image.hpp>
#include <pretext/devices/on_host.hpp>
#include <pretext/layers/detail/network_weights.hpp>
#include <pretext/training/initialise.hpp>

namespace pretext {

/// An encoder chosen at run time, whatever trained it and on whichever device it runs: its weights, the view
/// of an image that it is evaluated on, and the feature h in inference mode. What goes in and comes out lies
/// in the host's memory.
class any_encoder {
 public:
  virtual ~any_encoder() = default;

  /// The feature h of each image, appended to `features`.
  virtual void encode(std::span<const image_view> images, std::vector<float>& features) = 0;
  /// What `encode` looks at: each image's evaluation view as floats (H, W, 3), appended to `views`.
  virtual void evaluation_views(std::span<const image_view> images, std::vector<float>& views) = 0;

  virtual std::size_t feature_width() const = 0;
  /// Rows and columns of the encoder's input.
  virtual std::pair<std::size_t, std::size_t> input_size() const = 0;
  virtual std::span<const parameter> encoder_parameters() const = 0;
  /// `use(values)` on the flat buffer that the parameters describe, without a copy where it is the host's
  /// own.
  virtual void read_values(const std::function<void(const float*)>& use) = 0;
  /// The same for who writes there.
  virtual void change_values(const std::function<void(float*)>& use) = 0;
};

namespace detail {

/// `use(views)` on the evaluation views of some images at a time: memory stays bounded, whatever is asked
/// for.
template <class Context, Shape Images, class Evaluation, class Use>
void for_each_view(Context& context, const Evaluation& evaluation,
                   tensor<typename Context::activation, Images, typename Context::device>& room,
                   std::span<const image_view> images, const Use& use) {
  constexpr std::size_t most = 256;
  const std::vector<std::uint64_t> samples(most);
  for (std::size_t first = 0; first < images.size(); first += most) {
    const std::size_t count = std::min(most, images.size() - first);
    const auto batch = room.resize(count);
    augment(context, evaluation, images.subspan(first, count), std::span{samples}.first(count), 0, 0, batch);
    use(reads<Context, Images>{batch});
  }
}

}  // namespace detail

/// An encoder without anything that trains it. Starts untrained, as the encoder of a training with that seed
/// does.
template <class Encoder, Shape Images, class Context, class Evaluation>
class encoder_adapter final : public any_encoder {
  using T = typename Context::activation;
  using device = typename Context::device;
  using feature = output_of<Encoder, Images>;
  static constexpr auto table = parameters_of<Encoder, Images>;

 public:
  encoder_adapter(Evaluation evaluation, std::uint64_t seed, typename device::stream stream = {})
      : evaluation_{std::move(evaluation)} {
    context_.stream = std::move(stream);
    change_values([&](float* values) { initialise<float>(table, seed, values); });
  }

  void encode(std::span<const image_view> images, std::vector<float>& features) override {
    detail::for_each_view(context_, evaluation_, batch_, images, [&](reads<Context, Images> views) {
      const auto h = feature_.resize(views.batch);
      infer_network<Encoder>(context_, value_.data(), views, h);
      const auto numbers = floats_on_host(context_, reads<Context, feature>{h}, room_);
      features.insert(features.end(), numbers.begin(), numbers.end());
    });
  }
  void evaluation_views(std::span<const image_view> images, std::vector<float>& all) override {
    detail::for_each_view(context_, evaluation_, batch_, images, [&](reads<Context, Images> views) {
      const auto numbers = floats_on_host(context_, views, room_);
      all.insert(all.end(), numbers.begin(), numbers.end());
    });
  }
  std::size_t feature_width() const override { return feature::size; }
  std::pair<std::size_t, std::size_t> input_size() const override {
    return {Images::extents[0], Images::extents[1]};
  }
  std::span<const parameter> encoder_parameters() const override { return table; }
  void read_values(const std::function<void(const float*)>& use) override {
    std::vector<float> copy;
    use(on_host<device, float>(context_.stream, value_.data(), value_.size(), copy).data());
  }
  void change_values(const std::function<void(float*)>& use) override {
    change_on_host<device>(context_.stream, value_.data(), value_.size(), use);
  }

 private:
  Context context_{};
  Evaluation evaluation_;
  buffer<typename Context::weight, device> value_{weight_count<Encoder, Images>};
  tensor<T, Images, device> batch_;
  tensor<T, feature, device> feature_;
  std::vector<float> room_;  // for what is copied to the host
};

}  // namespace pretext
