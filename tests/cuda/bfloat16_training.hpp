#pragma once
// Whole steps with bfloat16 activations, compared with the CPU's in float.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>

#include <pretext/pretext.hpp>

#include "device_pair.hpp"
#include "support/thin_trunk.hpp"

namespace pretext::tests {

using wave_images = shape<16, 16, 3>;
using bf16_simclr = simclr<wave_images, thin_trunk<basic_block, 8>, simclr_head<32, 16>>;
using bf16_byol = byol<wave_images, thin_trunk<bottleneck_block, 4>, byol_head<32, 16>>;
using bf16_mae = mae<wave_images, vit<4, 24, 2, 2>, mae_decoder<16, 2, 2>>;

/// Waves that differ in direction and phase. Such images are distinct, so what is learned from them exceeds
/// the noise at any precision. Each comes `views` times; noise distinguishes the views.
template <class Numerics, class T>
std::vector<T> waves(std::size_t images, std::size_t views) {
  constexpr std::size_t size = wave_images::size, line = 3 * wave_images::extents[1];
  const auto noise = random_values<double>(images * views * size, 3);
  std::vector<T> pixels;
  for (std::size_t i = 0; i < noise.size(); ++i) {
    const double angle = double(i / size % images), row = double(i % size / line),
                 column = double(i % line / 3);
    const double x = row * std::sin(angle) + column * std::cos(angle);
    const double pixel = 0.3 * noise[i] + std::sin(0.6 * x + double(i % 3) + 3 * angle);
    pixels.push_back(static_cast<T>(static_cast<typename Numerics::compute>(pixel)));
  }
  return pixels;
}

/// A trainer that repeats the same images.
template <class Context, class Method, class Optimizer>
struct learning {
  using T = typename Context::activation;
  using device = typename Context::device;
  static constexpr std::size_t images = 12;
  trainer<Method, Context, Optimizer> learner{{}, {}, 3};
  std::vector<std::uint64_t> samples;
  tensor<T, wave_images, device> views;

  learning() : samples(images), views{Method::views * images} {
    time_plans(learner.context());
    std::iota(samples.begin(), samples.end(), 0);
    const auto pixels = waves<bf16, T>(images, Method::views);
    device::write(learner.context().stream, views.view().data, pixels.data(), pixels.size());
  }
  double step(std::uint32_t epoch, double rate) {
    return learner.step(views.view(), {.learning_rate = rate, .samples = samples, .seed = 5, .epoch = epoch});
  }
  template <class Number>
  std::vector<double> read(const Number* from, std::size_t count) {
    std::vector<Number> host(count);
    device::read(learner.context().stream, host.data(), from, count);
    std::vector<double> values;
    for (const Number& value : host) values.push_back(static_cast<double>(value));
    return values;
  }
  std::vector<double> gradient() { return read(learner.memory().gradient.data(), Method::size); }
  std::vector<double> weights() { return read(learner.memory().value.data(), Method::size); }
  std::vector<double> features() {
    tensor<T, typename Method::feature, device> h{views.view().batch};
    learner.encode(views.view(), h.view());
    return read(h.view().data, h.view().size());
  }
};

/// Features before training, the first step's gradient, and the losses.
template <class Context, class Method, class Optimizer>
results observe_learning(double rate) {
  learning<Context, Method, Optimizer> l;
  results seen{l.features(), {}, {}};
  for (std::uint32_t k = 0; k < 6; ++k) {
    seen[2].push_back(l.step(k, rate));
    if (k == 0) seen[1] = l.gradient();
  }
  return seen;
}

inline double cosine_similarity(const double* a, const double* b, std::size_t count) {
  const double product = std::inner_product(a, a + count, b, 0.0);
  return product /
         std::sqrt(std::inner_product(a, a + count, a, 0.0) * std::inner_product(b, b + count, b, 0.0));
}

template <class Device, class Method, class Optimizer>
void check_learns_like_float(double rate) {
  const results expected = reference<Device, fp32>::of(
      [&]<class Context>() { return observe_learning<Context, Method, Optimizer>(rate); });
  if constexpr (requires { typename Device::stream; }) {
    const results found = observe_learning<on<Device>, Method, Optimizer>(rate);
    CHECK(relative_error(found[0], expected[0]) < 2e-2);
    const auto &gradient = found[1], &float_gradient = expected[1];
    CHECK(cosine_similarity(gradient.data(), float_gradient.data(), float_gradient.size()) > 0.98);
    const double largest =
        std::abs(*std::ranges::max_element(float_gradient, {}, [](double x) { return std::abs(x); }));
    for (const parameter& p : Method::parameters) {
      if (p.role != parameter_role::trainable) continue;
      const auto none = [=](double x) {
        return std::abs(x) < 1e-5 * largest;
      };  // of a bias before batch norm
      if (std::all_of(&float_gradient[p.offset], &float_gradient[p.offset] + p.size(), none)) continue;
      CAPTURE(p.path);
      // 0.938 to 1 in practice, however a device's products round in their epilogues
      CHECK(cosine_similarity(&gradient[p.offset], &float_gradient[p.offset], p.size()) > 0.9);
    }
    CHECK(expected[2].back() < expected[2].front());
    CHECK(found[2] != expected[2]);
    CHECK(relative_error(found[2], expected[2]) < 4e-2);
  }
}

template <class Device>
void steps_in_bfloat16() {
  check_learns_like_float<Device, bf16_simclr, sgd>(0.02);
  check_learns_like_float<Device, bf16_byol, lars>(0.2);
  check_learns_like_float<Device, bf16_mae, adamw>(1e-3);
}

/// Weights keep updates that are smaller than the spacing of their bfloat16 copies.
template <class Device>
void small_updates_persist() {
  learning<on<Device>, bf16_simclr, sgd> l;
  const auto before = l.weights();
  l.step(0, 1e-6);
  const auto after = l.weights(), gradient = l.gradient();
  std::size_t moved = 0, expected_moves = 0;
  for (const parameter& p : bf16_simclr::parameters)
    for (std::size_t i = p.offset; p.role == parameter_role::trainable && i < p.offset + p.size(); ++i) {
      const double step = 1e-6 * gradient[i];
      if (std::abs(step) < 1e-6 * std::abs(before[i])) continue;  // smaller than float resolves
      ++expected_moves;
      moved += std::abs(after[i] - before[i] + step) < 0.25 * std::abs(step);
    }
  CHECK(expected_moves > 100);
  CHECK(moved == expected_moves);
}

}  // namespace pretext::tests
