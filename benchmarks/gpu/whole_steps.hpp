#pragma once
#include <cstdint>
#include <memory>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include <pretext/cuda.cuh>
#include <pretext/data/memory_source.hpp>
#include <pretext/devices/on_host.hpp>
#include <pretext/training/device_batches.hpp>
#include <pretext/training/step_queue.hpp>

#include "timed_work.hpp"

namespace benchmarks {

/// Random images of Side×Side pixels, the same in every run.
template <std::size_t Side>
pretext::memory_source random_images(std::size_t count) {
  std::vector<std::uint8_t> pixels(count * Side * Side * 3);
  std::uint32_t state = 1;
  for (auto& pixel : pixels) {
    state = state * 1664525u + 1013904223u;
    pixel = static_cast<std::uint8_t>(state >> 24);
  }
  return {std::move(pixels), Side, Side};
}

/// Whole steps on images in GPU memory, replayed as one CUDA graph: drawing the samples, augmentation,
/// forward, loss, backward and optimizer.
template <class Method, class Views, class Optimizer, std::size_t Side>
class whole_steps final : public timed_work {
  using context = pretext::on<pretext::cuda_gpu>;
  using images = pretext::view_shapes_of<Method>;
  using learner = pretext::trainer<Method, context, Optimizer>;
  using batches = pretext::device_batches<context, images, Views>;

 public:
  whole_steps(std::size_t batch, Method method, Optimizer optimizer, Views views, double rate)
      : batch_{batch},
        rate_{rate},
        views_{views},
        images_{random_images<Side>(2 * batch)},
        learner_{std::move(method), std::move(optimizer)},
        queue_{learner_, batches{images_, views, {.batch = batch}}} {}

  const pretext::cuda_gpu::stream& stream() const override { return learner_.context().stream; }
  void run(int times) override {
    queue_.enqueue(std::vector(static_cast<std::size_t>(times), pretext::step_values{rate_, 1}));
  }
  void finish() override { queue_.wait_losses(); }

  step_to_check check() override {
    using namespace pretext;
    if constexpr (Shape<images>)
      return checked_step();
    else
      return timed_work::check();
  }

 private:
  step_to_check checked_step() {
    using namespace pretext;
    step_to_check step{Method::parameters, std::vector<float>(Method::size), {}, {}, 0};
    auto& at = learner_.context();
    cuda_gpu::read(at.stream, step.values.data(), learner_.memory().value.data(), Method::size);
    std::vector<std::uint64_t> samples(batch_);
    std::iota(samples.begin(), samples.end(), 0);
    const buffer<std::uint64_t, cuda_gpu> indices{batch_};
    cuda_gpu::write(at.stream, indices.data(), samples.data(), batch_);
    tensor<typename context::activation, images, cuda_gpu> input{Method::views * batch_};
    augment(at, views_, images_.chosen(indices.data(), batch_), 1, device_scalar<std::uint32_t>{0},
            input.view());
    const auto views = floats_on_host(at, reads<context, images>{input.view()}, step.views);
    if (views.data() != step.views.data()) step.views.assign(views.begin(), views.end());
    step.loss = learner_.step(input.view(), {.samples = samples});
    if constexpr (requires { learner_.memory().masked; }) {
      step.restore.resize(batch_ * Method::grid::patches);
      cuda_gpu::read(at.stream, step.restore.data(), learner_.memory().masked.restore, step.restore.size());
    }
    return step;
  }

  std::size_t batch_;
  double rate_;
  Views views_;
  pretext::device_dataset<pretext::cuda_gpu> images_;
  learner learner_;
  pretext::step_queue<learner, batches> queue_;
};

template <class Method, std::size_t Side, class Optimizer, class Views>
std::unique_ptr<timed_work> make_steps(std::size_t batch, Method method, Optimizer optimizer, Views views,
                                       double rate) {
  return std::make_unique<whole_steps<Method, Views, Optimizer, Side>>(batch, std::move(method),
                                                                       std::move(optimizer), views, rate);
}

}  // namespace benchmarks
