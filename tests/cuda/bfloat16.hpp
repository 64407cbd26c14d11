#pragma once
// Whole steps with activations in bfloat16 beside the CPU's in float.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>

#include <pretext/pretext.hpp>

#include "device_pair.hpp"
#include "support/thin_trunk.hpp"

namespace pretext::tests {

using seen_images = shape<16, 16, 3>;
using half_simclr = simclr<seen_images, thin_trunk<basic_block, 8>, simclr_head<32, 16>>;
using half_byol = byol<seen_images, thin_trunk<bottleneck_block, 4>, byol_head<32, 16>>;
using half_mae = mae<seen_images, vit<4, 24, 2, 2>, mae_decoder<16, 2, 2>>;

/// Waves that differ in direction and phase: images that are not alike, so that what is learned from them is
/// more than noise in any precision. Each comes `views` times, noise tells the views apart.
template <class Numerics, class T>
std::vector<T> waves(std::size_t images, std::size_t views) {
  constexpr std::size_t size = seen_images::size, line = 3 * seen_images::extents[1];
  const auto noise = some_numbers<double>(images * views * size, 3);
  std::vector<T> pixels;
  for (std::size_t i = 0; i < noise.size(); ++i) {
    const double transpose = double(i / size % images), row = double(i % size / line),
                 column = double(i % line / 3);
    const double x = row * std::sin(transpose) + column * std::cos(transpose);
    const double pixel = 0.3 * noise[i] + std::sin(0.6 * x + double(i % 3) + 3 * transpose);
    pixels.push_back(static_cast<T>(static_cast<typename Numerics::compute>(pixel)));
  }
  return pixels;
}

/// A trainer that sees the same images again and again.
template <class Context, class Method, class Optimizer>
struct learning {
  using T = typename Context::activation;
  using device = typename Context::device;
  static constexpr std::size_t images = 12;
  trainer<Method, Context, Optimizer> learner{{}, {}, 3};
  std::vector<std::uint64_t> samples;
  tensor<T, seen_images, device> views;

  learning() : samples(images), views{Method::views * images} {
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
    std::vector<double> numbers;
    for (const Number& number : host) numbers.push_back(static_cast<double>(number));
    return numbers;
  }
  std::vector<double> gradient() { return read(learner.memory().gradient.data(), Method::size); }
  std::vector<double> weights() { return read(learner.memory().value.data(), Method::size); }
  std::vector<double> features() {
    tensor<T, typename Method::feature, device> h{views.view().batch};
    learner.encode(views.view(), h.view());
    return read(h.view().data, h.view().size());
  }
};

/// Features of the images before, the gradient of the first step, the losses of some.
template <class Context, class Method, class Optimizer>
results seen_while_learning(double rate) {
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
void learns_what_float_learns(double rate) {
  const results expected = reference<Device, fp32>::of(
      [&]<class Context>() { return seen_while_learning<Context, Method, Optimizer>(rate); });
  if constexpr (requires { typename Device::stream; }) {
    const results found = seen_while_learning<on<Device>, Method, Optimizer>(rate);
    CHECK(apart(found[0], expected[0]) < 2e-2);
    const auto &gradient = found[1], &exact = expected[1];
    CHECK(cosine_similarity(gradient.data(), exact.data(), exact.size()) > 0.98);
    const double largest =
        std::abs(*std::ranges::max_element(exact, {}, [](double x) { return std::abs(x); }));
    for (const parameter& p : Method::parameters) {
      if (p.role != parameter_role::trainable) continue;
      const auto none = [=](double x) {
        return std::abs(x) < 1e-5 * largest;
      };  // of a bias before batch norm
      if (std::all_of(&exact[p.offset], &exact[p.offset] + p.size(), none)) continue;
      CAPTURE(p.path);
      // 0.938 to 1, however the products of a device round what they end in
      CHECK(cosine_similarity(&gradient[p.offset], &exact[p.offset], p.size()) > 0.9);
    }
    CHECK(expected[2].back() < expected[2].front());
    CHECK(found[2] != expected[2]);
    CHECK(apart(found[2], expected[2]) < 4e-2);
  }
}

template <class Device>
void steps_in_bfloat16() {
  learns_what_float_learns<Device, half_simclr, sgd>(0.02);
  learns_what_float_learns<Device, half_byol, lars>(0.2);
  learns_what_float_learns<Device, half_mae, adamw>(1e-3);
}

/// Weights move by less than their rounded copies could tell.
template <class Device>
void small_updates_are_kept() {
  learning<on<Device>, half_simclr, sgd> l;
  const auto before = l.weights();
  l.step(0, 1e-6);
  const auto after = l.weights(), slope = l.gradient();
  std::size_t moved = 0, moving = 0;
  for (const parameter& p : half_simclr::parameters)
    for (std::size_t i = p.offset; p.role == parameter_role::trainable && i < p.offset + p.size(); ++i) {
      const double step = 1e-6 * slope[i];
      if (std::abs(step) < 1e-6 * std::abs(before[i])) continue;  // float would not tell either
      ++moving;
      moved += std::abs(after[i] - before[i] + step) < 0.25 * std::abs(step);
    }
  CHECK(moving > 100);
  CHECK(moved == moving);
}

}  // namespace pretext::tests
