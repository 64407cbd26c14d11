#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <pretext/augment/views.hpp>
#include <pretext/core/concepts.hpp>
#include <pretext/core/expects.hpp>
#include <pretext/core/image.hpp>
#include <pretext/data/loader.hpp>
#include <pretext/data/source.hpp>
#include <pretext/devices/on_host.hpp>
#include <pretext/runtime/any_encoder.hpp>
#include <pretext/runtime/step_backend.hpp>

namespace pretext {

/// A flat buffer that a checkpoint holds, on whichever device it lies.
struct saved_buffer {
  std::string_view name;
  std::size_t count, number_size;
  bool floating;
  std::function<void(void* host)> read;         ///< copies its bytes to the host
  std::function<void(const void* host)> write;  ///< and from there

  std::size_t bytes() const { return count * number_size; }
};

/// A training chosen at run time: the types of a trainer and of its views behind a few virtual calls per
/// step, so that a program can offer many encoders and compile each of them in a file of its own.
class any_trainer : public any_encoder {
 public:
  using rates = step_values;
  /// A batch's embeddings z, row-major, for the collapse monitors; of width 0 where a method has none.
  struct embeddings {
    std::span<const float> values;
    std::size_t width = 0;
  };

  /// Makes the views of the images and learns from them once; returns the loss. Throws std::runtime_error,
  /// before any weight has changed, if it is not a number.
  double step(std::span<const image_view> images, std::span<const std::uint64_t> samples, std::uint64_t seed,
              std::uint32_t epoch, rates at) {
    enqueue(images, samples, seed, epoch, at);
    return wait_losses().back();
  }

  /// Asks for that step. A device that runs apart is not waited for; another one takes the step at once and
  /// throws as `step` does.
  virtual void enqueue(std::span<const image_view> images, std::span<const std::uint64_t> samples,
                       std::uint64_t seed, std::uint32_t epoch, rates at) = 0;
  /// Waits; the losses of the steps asked for since the last call, to be looked at before the next step.
  /// Throws as `step` does if one is not a number: then its update and those after it have not happened.
  virtual std::span<const double> wait_losses() = 0;
  /// So many steps may be asked for before their losses are: 1 where nothing is gained by more.
  virtual std::size_t max_queued() const = 0;

  /// Has the device keep the images if it runs apart and they suit it (`try_upload`), for batches that it
  /// makes by itself: those of a loader with these options, until it is given one of the host's again. Else
  /// says why not, in a sentence.
  virtual std::string upload_dataset(const any_source& images, const loader_options& batches) = 0;
  /// Asks for steps on batches of the kept images, as if so many steps had been taken before.
  virtual void enqueue_uploaded(std::uint64_t taken, std::span<const rates> at) = 0;

  /// The embeddings of the last step.
  virtual embeddings last_embeddings() = 0;
  /// The views that a step would see, as floats (views·n, H, W, 3): for looking at.
  virtual std::vector<float> make_views(std::span<const image_view> images,
                                        std::span<const std::uint64_t> samples, std::uint64_t seed,
                                        std::uint32_t epoch) = 0;

  /// Does a target follow the network with `rates::target_momentum`?
  virtual bool has_target() const = 0;
  /// The whole network's parameters; those of the encoder come first.
  virtual std::span<const parameter> parameters() const = 0;
  /// Everything that a checkpoint must hold.
  virtual void for_each_buffer(const std::function<void(const saved_buffer&)>& visit) = 0;
  /// Bytes of activations and scratch memory at the fullest moment of a step.
  virtual std::size_t peak_memory() const = 0;
};

/// A trainer, the views it learns from and the view that it is evaluated on; `Interface` is what a caller
/// sees of them.
template <class Trainer, class Views, class Evaluation, class Interface = any_trainer>
class trainer_adapter : public Interface {
 protected:
  using context_type = typename Trainer::context_type;
  using method = typename Trainer::method_type;
  using images_shape = typename Trainer::images;
  using feature = typename Trainer::feature;
  using device = typename context_type::device;
  static constexpr auto encoder_table = parameters_of<typename method::encoder, images_shape>;

 public:
  trainer_adapter(std::unique_ptr<Trainer> trainer, Views views, Evaluation evaluation)
      : trainer_{std::move(trainer)}, views_{std::move(views)}, evaluation_{std::move(evaluation)} {}

  void enqueue(std::span<const image_view> images, std::span<const std::uint64_t> samples, std::uint64_t seed,
               std::uint32_t epoch, any_trainer::rates at) override {
    const auto complete = [&](writes<context_type, images_shape> views) {
      prepare({seed, epoch, samples.data(), samples.size()}, views);
    };
    steps_.enqueue(*trainer_, views_, batch_, detail::host_batch{images, samples, seed, epoch}, at, complete);
  }
  std::span<const double> wait_losses() override { return steps_.wait_losses(*trainer_); }
  std::size_t max_queued() const override { return steps_.max_queued; }

  std::string upload_dataset(const any_source& images, const loader_options& batches) override {
    device_batch_options options{.batch = batches.batch, .seed = batches.seed, .shuffle = batches.shuffle};
    prepare(images, options);
    return steps_.upload_dataset(*trainer_, views_, images, batches, options);
  }
  void enqueue_uploaded(std::uint64_t taken, std::span<const any_trainer::rates> at) override {
    steps_.enqueue(taken, at);
  }

  any_trainer::embeddings last_embeddings() override {
    if constexpr (requires { trainer_->memory().z; }) {
      const reads<context_type, typename method::embedding> z{trainer_->memory().z};
      return {floats_on_host(trainer_->context(), z, embeddings_), method::embedding::size};
    } else {
      return {};
    }
  }

  void encode(std::span<const image_view> images, std::vector<float>& features) override {
    for_each_view(images, [&](reads<context_type, images_shape> views) {
      const auto h = feature_.resize(views.batch);
      trainer_->encode(views, h);
      const auto numbers = floats_on_host(trainer_->context(), reads<context_type, feature>{h}, room_);
      features.insert(features.end(), numbers.begin(), numbers.end());
    });
  }

  void evaluation_views(std::span<const image_view> images, std::vector<float>& all) override {
    for_each_view(images, [&](reads<context_type, images_shape> views) {
      const auto numbers = floats_on_host(trainer_->context(), views, room_);
      all.insert(all.end(), numbers.begin(), numbers.end());
    });
  }

  std::vector<float> make_views(std::span<const image_view> images, std::span<const std::uint64_t> samples,
                                std::uint64_t seed, std::uint32_t epoch) override {
    const auto batch = batch_.resize(Views::views * images.size());
    augment(trainer_->context(), views_, images, samples, seed, epoch, batch);
    const auto numbers = floats_on_host(trainer_->context(), reads<context_type, images_shape>{batch}, room_);
    return {numbers.begin(), numbers.end()};
  }

  bool has_target() const override { return method::has_target; }
  std::size_t feature_width() const override { return feature::size; }
  std::pair<std::size_t, std::size_t> input_size() const override {
    return {images_shape::extents[0], images_shape::extents[1]};
  }
  std::span<const parameter> parameters() const override { return method::parameters; }
  std::span<const parameter> encoder_parameters() const override { return encoder_table; }
  void read_values(const std::function<void(const float*)>& use) override {
    const auto& value = trainer_->memory().value;
    std::vector<float> copy;
    use(on_host<device, float>(stream(), value.data(), value.size(), copy).data());
  }
  void change_values(const std::function<void(float*)>& use) override {
    const auto& value = trainer_->memory().value;
    change_on_host<device>(stream(), value.data(), value.size(), use);
  }
  void for_each_buffer(const std::function<void(const saved_buffer&)>& visit) override {
    trainer_->for_each_buffer([&]<class Number>(std::string_view name, Number* data, std::size_t count) {
      visit({name, count, sizeof(Number), std::is_floating_point_v<Number>,
             [=, this](void* host) { device::read(stream(), static_cast<Number*>(host), data, count); },
             [=, this](const void* host) {
               device::write(stream(), data, static_cast<const Number*>(host), count);
             }});
    });
  }
  std::size_t peak_memory() const override {
    return trainer_->context().activations.peak() + trainer_->context().workspace.peak();
  }

 protected:
  /// What else a step of this kind needs, once its views are made: whose they are, for the host.
  virtual void prepare(const sample_keys&, writes<context_type, images_shape>) {}
  /// The same for steps on kept images.
  virtual void prepare(const any_source&, device_batch_options&) {}

  Trainer& trainer() { return *trainer_; }
  const Trainer& trainer() const { return *trainer_; }
  const typename device::stream& stream() const { return trainer_->context().stream; }

  /// `use(views)` on the evaluation views of some images at a time.
  template <class Use>
  void for_each_view(std::span<const image_view> images, const Use& use) {
    detail::for_each_view(trainer_->context(), evaluation_, batch_, images, use);
  }

 private:
  std::unique_ptr<Trainer> trainer_;
  Views views_;
  Evaluation evaluation_;
  tensor<typename context_type::activation, images_shape, device> batch_;
  tensor<typename context_type::activation, feature, device> feature_;
  std::vector<float> room_, embeddings_;  // for what is copied to the host
  detail::step_backend<Trainer, Views> steps_;
};

}  // namespace pretext
