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

/// A few microseconds of work are less than a launch takes: a CUDA graph does it so often in a row.
inline constexpr int in_a_row = 20;

/// `part(place)`, repeated.
template <class Part>
class repeated_part final : public timed_work {
 public:
  explicit repeated_part(std::unique_ptr<Part> part) : part_{std::move(part)} {
    for (int warm_up = 0; warm_up < 2; ++warm_up) once();  // it finds the memory it needs
    graph_.emplace(pretext::cuda::record(context_.stream, [this] {
      for (int i = 0; i < in_a_row; ++i) once();
    }));
  }

  const pretext::cuda::stream& stream() const override { return context_.stream; }
  void run(int times) override {
    for (int i = 0; i < times; i += in_a_row) graph_->replay(context_.stream);
  }
  void finish() override { context_.stream.wait(); }

 private:
  void once() {
    context_.activations.reset();
    (*part_)(context_);
  }

  pretext::on<pretext::cuda> context_{};
  std::unique_ptr<Part> part_;
  std::optional<pretext::cuda::recording> graph_;
};

template <class Part>
std::unique_ptr<timed_work> make_part(Part* part) {
  return std::make_unique<repeated_part<Part>>(std::unique_ptr<Part>{part});
}

/// N(0, 1).
template <class T>
std::vector<T> random_numbers(std::size_t count) {
  std::mt19937 random{1};
  std::normal_distribution<float> draw;
  std::vector<T> numbers(count);
  for (T& number : numbers) number = static_cast<T>(draw(random));
  return numbers;
}

template <class T>
pretext::buffer<T, pretext::cuda> on_device(const std::vector<T>& numbers) {
  pretext::buffer<T, pretext::cuda> made{numbers.size()};
  const pretext::cuda::stream stream;
  pretext::cuda::write(stream, made.data(), numbers.data(), numbers.size());
  stream.wait();
  return made;
}

}  // namespace benchmarks
