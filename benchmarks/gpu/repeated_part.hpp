#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <utility>
#include <vector>

#include <pretext/cuda.cuh>

#include "timed_work.hpp"

namespace benchmarks {

/// Parts that take a few microseconds are shorter than a launch. So a CUDA graph repeats them this often.
inline constexpr int repetitions = 20;

/// Repeats `part(context)`.
template <class Part>
class repeated_part final : public timed_work {
 public:
  explicit repeated_part(std::unique_ptr<Part> part) : part_{std::move(part)} {
    context_.stream.plans().timed = true;                  // as PyTorch's cudnn.benchmark
    for (int warm_up = 0; warm_up < 2; ++warm_up) once();  // allocates its memory
    graph_.emplace(pretext::cuda_gpu::record(context_.stream, [this] {
      for (int i = 0; i < repetitions; ++i) once();
    }));
  }

  const pretext::cuda_gpu::stream& stream() const override { return context_.stream; }
  void run(int times) override {
    for (int i = 0; i < times; i += repetitions) graph_->replay(context_.stream);
  }
  void finish() override { context_.stream.wait(); }

 private:
  void once() {
    context_.activations.reset();
    (*part_)(context_);
  }

  pretext::on<pretext::cuda_gpu> context_{};
  std::unique_ptr<Part> part_;
  std::optional<pretext::cuda_gpu::recording> graph_;
};

template <class Part>
std::unique_ptr<timed_work> make_part(Part* part) {
  return std::make_unique<repeated_part<Part>>(std::unique_ptr<Part>{part});
}

/// N(0, 1) values, the same in every run.
template <class T>
std::vector<T> random_values(std::size_t count) {
  std::mt19937 random{1};
  std::normal_distribution<float> draw;
  std::vector<T> values(count);
  for (T& value : values) value = static_cast<T>(draw(random));
  return values;
}

template <class T>
pretext::buffer<T, pretext::cuda_gpu> on_device(const std::vector<T>& values) {
  pretext::buffer<T, pretext::cuda_gpu> buffer{values.size()};
  const pretext::cuda_gpu::stream stream;
  pretext::cuda_gpu::write(stream, buffer.data(), values.data(), values.size());
  stream.wait();
  return buffer;
}

}  // namespace benchmarks
