// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
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
#include <pretext/devices/cpu.hpp>
#include <pretext/devices/on_host.hpp>
#include <pretext/distributed/communicator.hpp>
#include <pretext/losses/collapse_advice.hpp>
#include <pretext/runtime/any_encoder.hpp>
#include <pretext/runtime/saved_buffer.hpp>
#include <pretext/runtime/step_backend.hpp>

namespace pretext::inline v0_1 {

class reconstructor;

/// A training that is chosen at run time. The types of a trainer and of its views are behind a few virtual
/// calls per step, so that a program can offer many encoders and compile each in a file of its own. One
/// object is for one thread at a time.
class any_trainer : public any_encoder {
 public:
  /// A batch's embeddings z, (views·n, width) row-major, for the collapse monitor, or its features where
  /// there are more than 1024 embeddings, such as scores of prototypes; width 0 where a method has none.
  struct embeddings {
    std::span<const float> values;
    std::size_t width = 0;
    std::size_t views = 1;  ///< embeddings of each image
  };

  /// Makes the views of the batch's images and takes one step; returns the loss. Throws non_finite_loss,
  /// before any weight has changed, if the loss is NaN or infinite. Views and masks are functions of (seed,
  /// epoch, sample).
  double step(const image_batch& batch, const step_values& values) {
    enqueue(batch, values);
    return wait_losses().back();
  }

  /// Enqueues that step. An asynchronous device returns at once; another one takes the step now and throws as
  /// `step` does. The images may change after the call.
  virtual void enqueue(const image_batch& batch, const step_values& values) = 0;
  /// Waits for the steps enqueued since the last call and returns their losses, valid until the next step.
  /// Throws as `step` does if one is NaN or infinite: its update and those of all later steps have not
  /// happened.
  virtual std::span<const double> wait_losses() = 0;
  /// How many steps may be enqueued between two calls of `wait_losses`: 1 on a device that is not
  /// asynchronous.
  virtual std::size_t max_queued() const = 0;

  /// Uploads all images to the device if it is asynchronous and they suit it (`try_upload`); it then makes
  /// the batches that a loader with these options would, until `enqueue` passes images of the host again.
  /// Returns an empty text, or one sentence with the reason why the images were not uploaded.
  virtual std::string upload_dataset(const any_source& images, const loader_options& batches) = 0;
  /// Enqueues one step for each element of `values`, on batches of the uploaded images. `step` counts from
  /// the start of the training and determines the batch.
  virtual void enqueue_uploaded(std::uint64_t step, std::span<const step_values> values) = 0;

  /// The embeddings of the last step, valid until the next one.
  virtual embeddings last_embeddings() = 0;
  /// What to try when these collapse, as the loss says; may be empty.
  virtual std::string_view collapse_advice() const { return {}; }
  /// The loss of a batch of `images` whose embeddings are all alike; 0 where the loss does not say.
  virtual double chance_loss(std::size_t /*images*/) const { return 0; }
  /// The views that a step would see, the global ones of a multi_crop, (views·n, H, W, 3): for pictures in a
  /// report.
  virtual std::vector<float> make_views(const image_batch& batch) = 0;
  /// The class of every sample, indexed as `step` indexes samples, for methods that learn labels; call it
  /// before their first step.
  virtual void set_labels(std::vector<int> /*of_samples*/) {}
  /// Lets the steps that follow learn from one shard of each batch, beside the trainers of the other shards;
  /// null: from the whole batch. Throws std::invalid_argument for a communicator of another device.
  virtual void set_communicator(distributed::any_communicator* connected) = 0;
  /// Whether a GPU times the plans of its libraries at their first use: `gpu_plans::timed`. It does not
  /// unless this is called.
  virtual void time_plans(bool /*timed*/) {}
  /// The plans that a GPU has chosen, as text (`gpu_plans::to_text`); empty on other devices.
  virtual std::string plans() const { return {}; }
  /// Uses the plans of such a text; call it before the first step. Does nothing on other devices. Returns and
  /// throws as `gpu_plans::take`.
  virtual std::string take_plans(std::string_view /*text*/) { return {}; }
  /// The ability to predict masked patches, or null where the method has none.
  virtual pretext::reconstructor* reconstructor() { return nullptr; }

  /// Does the method have a target network, which `step_values::target_momentum` moves?
  virtual bool has_target() const = 0;
  /// The whole network's parameters; those of the encoder come first.
  virtual std::span<const parameter> parameters() const = 0;
  /// Visits everything that a checkpoint must hold.
  virtual void for_each_buffer(const std::function<void(const saved_buffer&)>& visit) = 0;
  /// Largest number of bytes of activations and workspace that a step has used.
  virtual std::size_t peak_memory() const = 0;
};

/// Reads such a file into the encoder of a training that has not begun; a target network gets the same
/// encoder, heads keep their weights.
inline pretrained_weights load_encoder(safetensors file, any_trainer& trainer) {
  const auto loaded = load_encoder(std::move(file), static_cast<any_encoder&>(trainer));
  std::size_t count = 0;
  for (const parameter& p : trainer.encoder_parameters()) count = std::max(count, p.offset + p.size());
  trainer.for_each_buffer([&](const saved_buffer& buffer) {
    if (buffer.name != "target") return;
    std::vector<float> target(buffer.count);
    buffer.read(target.data());
    trainer.read_values([&](const float* values) { std::copy_n(values, count, target.data()); });
    buffer.write(target.data());
  });
  return loaded;
}
inline pretrained_weights load_encoder(const std::filesystem::path& path, any_trainer& trainer) {
  return load_encoder(read_safetensors(path), trainer);
}

/// A trainer, the views that it learns from and the augmentation that it is evaluated on, behind `Interface`.
template <class Trainer, class Views, class Evaluation, class Interface = any_trainer>
class trainer_adapter : public Interface {
 protected:
  using context_type = typename Trainer::context_type;
  using method = typename Trainer::method_type;
  using images_shape = typename Trainer::images;
  using feature = typename Trainer::feature;
  using device = typename context_type::device;
  using groups = detail::view_groups<typename Trainer::view_shapes, Views::views>;
  static constexpr auto encoder_table = parameters_of<typename method::encoder, images_shape>;
  static constexpr bool has_plans = requires(const typename device::stream& on) { on.plans(); };

 public:
  trainer_adapter(std::unique_ptr<Trainer> trainer, Views views, Evaluation evaluation)
      : trainer_{std::move(trainer)}, views_{std::move(views)}, evaluation_{std::move(evaluation)} {}

  void enqueue(const image_batch& batch, const step_values& values) override {
    const auto complete = [&](const auto& views) {
      prepare({batch.seed, batch.epoch, batch.samples.data(), batch.samples.size()},
              groups::template group<0>(views));
    };
    steps_.enqueue(*trainer_, views_, step_views_, batch, values, complete);
  }
  std::span<const double> wait_losses() override { return steps_.wait_losses(*trainer_); }
  std::size_t max_queued() const override { return steps_.max_queued; }

  std::string upload_dataset(const any_source& images, const loader_options& batches) override {
    device_batch_options options{.batch = batches.batch,
                                 .seed = batches.seed,
                                 .shuffle = batches.shuffle,
                                 .shard = batches.shard,
                                 .shards = batches.shards};
    prepare(images, options);
    return steps_.upload_dataset(*trainer_, views_, images, batches, options);
  }
  void enqueue_uploaded(std::uint64_t step, std::span<const step_values> values) override {
    steps_.enqueue_uploaded(step, values);
  }

  void set_communicator(distributed::any_communicator* connected) override {
    auto* const own = connected ? connected->template on_device<device>() : nullptr;
    expects(own || !connected, "the ranks are connected on another device than the trainer's");
    trainer_->context().communicator = own;
  }

  void time_plans(bool timed) override {
    if constexpr (has_plans) stream().plans().timed = timed;
  }
  std::string plans() const override {
    if constexpr (has_plans)
      return stream().plans().to_text(stream().libraries());
    else
      return {};
  }
  std::string take_plans(std::string_view text) override {
    if constexpr (has_plans)
      return stream().plans().take(text, stream().libraries());
    else
      return {};
  }

  std::string_view collapse_advice() const override {
    if constexpr (requires(const method& m) { m.loss; })
      return detail::collapse_advice<std::remove_cvref_t<decltype(std::declval<const method&>().loss)>>;
    return {};
  }
  double chance_loss(std::size_t images) const override {
    if constexpr (requires(const Trainer& t) {
                    t.method().loss;
                    typename method::prediction;
                  })
      return detail::chance_loss(trainer_->method().loss, images, method::prediction::size);
    else
      return 0;
  }
  any_trainer::embeddings last_embeddings() override {
    if constexpr (requires { trainer_->memory().z; }) {
      std::size_t views = Views::views;
      if constexpr (requires { method::embedded_views; }) views = method::embedded_views;
      const auto on_host = [&]<class S>(const writes<context_type, S>& rows) -> any_trainer::embeddings {
        return {floats_on_host(trainer_->context(), reads<context_type, S>{rows}, embeddings_), S::size,
                views};
      };
      // Scores of many prototypes say less than the features, and their spectrum takes long.
      if constexpr (requires { trainer_->memory().h; })
        if constexpr ((method::embedding::size > 1024) && method::feature::size < method::embedding::size)
          return on_host(trainer_->memory().h);
      return on_host(trainer_->memory().z);
    } else {
      return {};
    }
  }

  void encode(std::span<const image_view> images, std::vector<float>& features) override {
    for_each_view(images, [&](reads<context_type, images_shape> views) {
      const auto h = feature_.resize(views.batch);
      trainer_->encode(views, h);
      const auto values = floats_on_host(trainer_->context(), reads<context_type, feature>{h}, host_copy_);
      features.insert(features.end(), values.begin(), values.end());
    });
  }

  void evaluation_views(std::span<const image_view> images, std::vector<float>& all) override {
    for_each_view(images, [&](reads<context_type, images_shape> views) {
      const auto values = floats_on_host(trainer_->context(), views, host_copy_);
      all.insert(all.end(), values.begin(), values.end());
    });
  }

  std::vector<float> make_views(const image_batch& batch) override {
    const auto views = groups::resize(step_views_, batch.images.size());
    augment(trainer_->context(), views_, batch.images, batch.samples, batch.seed, batch.epoch, views);
    const auto values = floats_on_host(
        trainer_->context(), reads<context_type, images_shape>{groups::template group<0>(views)}, host_copy_);
    return {values.begin(), values.end()};
  }

  bool has_target() const override { return method::has_target; }
  std::size_t feature_width() const override { return feature::size; }
  std::pair<std::size_t, std::size_t> input_size() const override {
    return {images_shape::extents[0], images_shape::extents[1]};
  }
  std::size_t channels() const override { return channels_of<images_shape>; }
  std::optional<encoder_info> info() const override {
    return detail::evaluation_info<typename method::encoder, images_shape>(evaluation_);
  }
  std::span<const parameter> parameters() const override { return method::parameters; }
  std::span<const parameter> encoder_parameters() const override { return encoder_table; }
  void read_values(const std::function<void(const float*)>& use) const override {
    const auto& value = trainer_->memory().value;
    std::vector<float> copy;
    use(on_host<device, float>(stream(), value.data(), value.size(), copy).data());
  }
  void change_values(const std::function<void(float*)>& change) override {
    const auto& value = trainer_->memory().value;
    change_on_host<device>(stream(), value.data(), value.size(), change);
  }
  void for_each_buffer(const std::function<void(const saved_buffer&)>& visit) override {
    trainer_->for_each_buffer([&]<class T>(std::string_view name, T* data, std::size_t count) {
      visit({name, count, sizeof(T), std::is_floating_point_v<T>,
             [=, this](void* host) { device::read(stream(), static_cast<T*>(host), data, count); },
             [=, this](const void* host) {
               device::write(stream(), data, static_cast<const T*>(host), count);
             }});
    });
  }
  std::size_t peak_memory() const override {
    return trainer_->context().activations.peak() + trainer_->context().workspace.peak();
  }

 protected:
  /// Completes the batch of a step whose images came from the host, once its views are made: a classifier
  /// mixes images and writes targets. `keys` are in host memory.
  virtual void prepare(const sample_keys& /*keys*/, writes<context_type, images_shape> /*views*/) {}
  /// Completes the options of batches that the device makes of `images`.
  virtual void prepare(const any_source& /*images*/, device_batch_options& /*options*/) {}

  Trainer& trainer() { return *trainer_; }
  const Trainer& trainer() const { return *trainer_; }
  const typename device::stream& stream() const { return trainer_->context().stream; }

  /// Calls `use(views)` with the evaluation views of some images at a time.
  template <class Use>
  void for_each_view(std::span<const image_view> images, const Use& use) {
    detail::for_each_view(trainer_->context(), evaluation_, batch_, images, use);
  }

 private:
  std::unique_ptr<Trainer> trainer_;
  Views views_;
  Evaluation evaluation_;
  typename groups::template owned<context_type> step_views_;
  tensor<typename context_type::activation, images_shape, device> batch_;
  tensor<typename context_type::activation, feature, device> feature_;
  std::vector<float> host_copy_, embeddings_;
  detail::step_backend<Trainer, Views> steps_;
};

/// A trainer that is chosen at run time; its views and its evaluation augmentation are values.
template <class Trainer, class Views, class Evaluation>
std::unique_ptr<any_trainer> make_any_trainer(std::unique_ptr<Trainer> trainer, Views views,
                                              Evaluation evaluation) {
  return std::make_unique<trainer_adapter<Trainer, Views, Evaluation>>(std::move(trainer), std::move(views),
                                                                       std::move(evaluation));
}

}  // namespace pretext::inline v0_1
