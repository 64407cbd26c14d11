// Times convolutions, matrix products, normalisation and activation kernels one by one: one JSON line per
// case with the fastest of several runs. kernels.py times the same cases in PyTorch.
//   kernels [threads] [runs] [peak]       peak: only the peak arithmetic rate of the processor
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include <pretext/core/arena.hpp>
#include <pretext/core/context.hpp>
#include <pretext/core/tensor.hpp>
#include <pretext/kernels/cpu/batch_norm.hpp>
#include <pretext/kernels/cpu/convolution.hpp>
#include <pretext/kernels/cpu/elementwise.hpp>
#include <pretext/kernels/cpu/gelu.hpp>
#include <pretext/kernels/cpu/gemm.hpp>
#include <pretext/kernels/cpu/layer_norm.hpp>

#include "timing.hpp"

using namespace pretext;
using kernels::op;
using kernels::write_mode;

namespace {

std::size_t threads = 2;
int runs = 7;
on<cpu> context;

/// A buffer with the pseudo-random values of a seed.
struct filled_buffer {
  buffer<float, cpu> memory;
  std::uint32_t seed;

  filled_buffer(std::size_t count, std::uint32_t seed_of_values) : memory{count}, seed{seed_of_values} {
    refill();
  }
  void refill() {
    for (std::size_t i = 0; i < memory.size(); ++i)
      memory.data()[i] = benchmarks::sequence_value(static_cast<std::uint32_t>(i), seed);
  }
  void clear() { std::fill_n(memory.data(), memory.size(), 0.0f); }
  operator float*() { return memory.data(); }
};

/// Times `call` and prints a line. `operations` are those of the definition: two per multiply-add. `restore`
/// resets the operands before the call whose `result` the fingerprint is computed from.
template <class Call, class Restore>
void time(const std::string& name, double operations, double bytes, const Call& call, filled_buffer& result,
          const Restore& restore) {
  const double fastest = benchmarks::milliseconds_of(runs, [&](int) { call(); }).front();
  restore();
  call();
  const benchmarks::fingerprint summary{result, result.memory.size()};
  std::printf(
      "{\"side\": \"pretext\", \"case\": \"%s\", \"threads\": %zu, \"ms\": %.4f, \"gflops\": %.1f, "
      "\"gbytes_per_s\": %.1f, \"probe\": %.9g, \"norm\": %.9g}\n",
      name.c_str(), threads, fastest, operations / fastest / 1e6, bytes / fastest / 1e6, summary.probe,
      summary.norm);
  std::fflush(stdout);
}

/// The same for a call that overwrites its result or accumulates into zeros.
template <class Call>
void time(const std::string& name, double operations, const Call& call, filled_buffer& result) {
  time(name, operations, 0, call, result, [&] { result.clear(); });
}

void convolution(std::size_t images, std::size_t side, std::size_t in, std::size_t out, std::size_t kernel,
                 std::size_t stride) {
  using cpu_convolution = kernels::convolution<cpu>;
  const kernels::convolution_extents e{side, side, in, out, kernel, kernel, stride, kernel / 2};
  const std::size_t results = images * e.out_height() * e.out_width() * out;
  filled_buffer x{images * side * side * in, 1}, w{e.weights(), 2}, y{results, 0}, dy{results, 3},
      dx{images * side * side * in, 0}, dw{e.weights(), 0};
  const std::string name = "conv " + std::to_string(kernel) + "x" + std::to_string(kernel) + "/" +
                           std::to_string(stride) + ", " + std::to_string(in) + " to " + std::to_string(out) +
                           ", " + std::to_string(side) + " px, " + std::to_string(images) + " images: ";
  const double operations = 2 * static_cast<double>(results) * static_cast<double>(e.taps() * in);
  time(
      name + "forward", operations,
      [&] { cpu_convolution::forward<on<cpu>, float>(context, e, images, x, w, y); }, y);
  if (in > 3)
    time(
        name + "data gradient", operations,
        [&] {
          cpu_convolution::backward_data<on<cpu>, float>(context, e, images, dy, w, dx,
                                                         write_mode::overwrite);
        },
        dx);
  time(
      name + "weight gradient", operations,
      [&] { cpu_convolution::backward_weights<on<cpu>, float>(context, e, images, x, dy, dw); }, dw);
}

/// A linear layer of `tokens` rows, weights (in, out).
void linear(std::size_t tokens, std::size_t in, std::size_t out) {
  filled_buffer x{tokens * in, 1}, w{in * out, 2}, dy{tokens * out, 3}, y{tokens * out, 0},
      dx{tokens * in, 0}, dw{in * out, 0};
  const std::string name = "linear " + std::to_string(in) + " to " + std::to_string(out) + ", " +
                           std::to_string(tokens) + " rows: ";
  const double operations = 2 * static_cast<double>(tokens) * static_cast<double>(in * out);
  const auto product = [&](const char* what, op a, op b, std::size_t m, std::size_t n, std::size_t k,
                           const float* left, const float* right, filled_buffer& result) {
    time(
        name + what, operations,
        [&] {
          kernels::gemm<cpu>::run<on<cpu>, float>(context, a, b, m, n, k, left, right, result,
                                                  write_mode::overwrite);
        },
        result);
  };
  product("forward", op::none, op::none, tokens, out, in, x, w, y);
  product("data gradient", op::none, op::transposed, tokens, in, out, dy, w, dx);
  product("weight gradient", op::transposed, op::none, in, out, tokens, x, dy, dw);
}

void batch_norm(std::size_t images, std::size_t side, std::size_t channels) {
  using norm = kernels::batch_norm<cpu>;
  const std::size_t rows = images * side * side, size = rows * channels;
  filled_buffer x{size, 1}, y{size, 0}, dy{size, 3}, gamma{channels, 4}, beta{channels, 5}, mean{channels, 0},
      inverse{channels, 0}, running_mean{channels, 0}, running_variance{channels, 0}, scale{channels, 0},
      shift{channels, 0}, dgamma{channels, 0}, dbeta{channels, 0};
  const std::string name = "batch norm + ReLU, " + std::to_string(channels) + " channels, " +
                           std::to_string(side) + " px, " + std::to_string(images) + " images: ";
  const double pass = static_cast<double>(size * sizeof(float));
  time(
      name + "forward", 0, 3 * pass,
      [&] {
        norm::statistics<on<cpu>, float>(context, rows, channels, 1, x, 1e-5f, mean, inverse, 0.1f,
                                         running_mean, running_variance);
        norm::fold<on<cpu>, float>(context, channels, 1, mean, inverse, gamma, beta, scale, shift);
        norm::apply<on<cpu>, float>(context, rows, channels, 1, x, scale, shift, nullptr, true, y);
      },
      y, [] {});
  time(
      name + "backward", 0, 5 * pass,
      [&] {
        // In place, as a fused convolution calls it: the gradient overwrites x.
        norm::backward<on<cpu>, float>(context, rows, channels, 1, dy, true, nullptr, x, mean, inverse, gamma,
                                       beta, dgamma, dbeta, x, nullptr);
      },
      x, [&] { x.refill(); });
}

/// Convolution, batch norm and ReLU as in a fused convolution, which accumulates the statistics while it
/// writes.
void normalised_convolution(std::size_t images, std::size_t side, std::size_t in, std::size_t out,
                            std::size_t kernel) {
  using norm = kernels::batch_norm<cpu>;
  const kernels::convolution_extents e{side, side, in, out, kernel, kernel, 1, kernel / 2};
  const std::size_t rows = images * side * side;
  filled_buffer x{rows * in, 1}, w{e.weights(), 2}, convolved{rows * out, 0}, y{rows * out, 0}, gamma{out, 4},
      beta{out, 5}, mean{out, 0}, inverse{out, 0}, running_mean{out, 0}, running_variance{out, 0},
      scale{out, 0}, shift{out, 0};
  time(
      "conv " + std::to_string(kernel) + "x" + std::to_string(kernel) + " + batch norm + ReLU, " +
          std::to_string(in) + " to " + std::to_string(out) + ", " + std::to_string(side) + " px, " +
          std::to_string(images) + " images: forward",
      2 * static_cast<double>(rows * out) * static_cast<double>(e.taps() * in),
      [&] {
        const arena_scope guard{context.workspace};
        const auto moments = norm::allocate_moments(context, 1, out);
        kernels::convolution<cpu>::forward<on<cpu>, float>(context, e, images, x, w, convolved, &moments);
        norm::finalize<float>(rows, out, moments, 1e-5f, mean, inverse, 0.1f, running_mean, running_variance);
        norm::fold<on<cpu>, float>(context, out, 1, mean, inverse, gamma, beta, scale, shift);
        norm::apply<on<cpu>, float>(context, rows, out, 1, convolved, scale, shift, nullptr, true, y);
      },
      y);
}

void layer_norm(std::size_t rows, std::size_t width) {
  using norm = kernels::layer_norm<cpu>;
  filled_buffer x{rows * width, 1}, y{rows * width, 0}, dy{rows * width, 3}, dx{rows * width, 0},
      gamma{width, 4}, beta{width, 5}, mean{rows, 0}, inverse{rows, 0}, dgamma{width, 0}, dbeta{width, 0};
  const std::string name = "layer norm, " + std::to_string(rows) + " rows of " + std::to_string(width) + ": ";
  const double pass = static_cast<double>(rows * width * sizeof(float));
  time(
      name + "forward", 0, 2 * pass,
      [&] { norm::forward<on<cpu>, float>(context, rows, width, x, 1e-6f, gamma, beta, y, mean, inverse); },
      y, [] {});
  time(
      name + "backward", 0, 3 * pass,
      [&] {
        norm::backward<on<cpu>, float>(context, rows, width, dy, x, mean, inverse, gamma, nullptr, dx, dgamma,
                                       dbeta);
      },
      dx, [] {});
}

void bias_and_gelu(std::size_t rows, std::size_t width) {
  filled_buffer x{rows * width, 1}, bias{width, 2}, y{rows * width, 0}, slope{rows * width, 0},
      dy{rows * width, 3}, dx{rows * width, 0}, dbias{width, 0};
  const std::string name =
      "bias + GELU, " + std::to_string(rows) + " rows of " + std::to_string(width) + ": ";
  const double pass = static_cast<double>(rows * width * sizeof(float));
  time(
      name + "forward", 0, 3 * pass,
      [&] { kernels::gelu<cpu>::forward<on<cpu>, float>(context, rows, width, x, bias, y, slope); }, y,
      [] {});
  time(
      name + "backward", 0, 3 * pass,
      [&] { kernels::gelu<cpu>::backward<on<cpu>, float>(context, rows, width, slope, bias, dy, dx, dbias); },
      dx, [] {});
}

void bias(std::size_t rows, std::size_t columns) {
  filled_buffer y{rows * columns, 1}, b{columns, 2}, db{columns, 0};
  const std::string name = "bias, " + std::to_string(rows) + " rows of " + std::to_string(columns) + ": ";
  const double pass = static_cast<double>(rows * columns * sizeof(float));
  time(
      name + "forward", 0, 2 * pass,
      [&] { kernels::channel_bias<cpu>::add<on<cpu>, float>(context, rows, columns, b, y); }, y,
      [&] { y.refill(); });
  y.refill();
  time(
      name + "gradient", 0, pass,
      [&] { kernels::channel_bias<cpu>::sum<on<cpu>, float>(context, rows, columns, y, db); }, db,
      [&] { db.clear(); });
}

/// Peak rate: multiply-adds on registers only.
void peak() {
  typedef float sixteen __attribute__((vector_size(64)));
  constexpr std::size_t chains = 12, length = 500'000;
  float used = 0;
  auto chain = [&](std::size_t block) {
    kernels::vectorised([&] {
      const sixteen half = sixteen{} + .5f, one = sixteen{} + 1.f;
      sixteen sum[chains];
      for (std::size_t c = 0; c < chains; ++c)
        sum[c] = half * static_cast<float>(c);  // all different, so that no chain is eliminated
      for (std::size_t i = 0; i < length; ++i)
#pragma GCC unroll 12
        for (std::size_t c = 0; c < chains; ++c) sum[c] = sum[c] * half + one;
      if (block == 0)
        for (std::size_t c = 0; c < chains; ++c) used += sum[c][0];
    });
  };
  const double fastest = benchmarks::milliseconds_of(runs, [&](int) {
                           context.stream.for_each_block(20 * threads, chain);
                         }).front();
  std::printf(
      "{\"side\": \"pretext\", \"case\": \"peak\", \"threads\": %zu, \"ms\": %.4f, \"gflops\": %.1f, "
      "\"probe\": %.3g}\n",
      threads, fastest, 32. * double(20 * threads * chains * length) / fastest / 1e6, double(used));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1) threads = std::strtoull(argv[1], nullptr, 10);
  if (argc > 2) runs = std::atoi(argv[2]);
  context.stream = cpu::stream{threads};
  if (argc > 3 && argv[3] == std::string{"peak"}) return peak(), 0;
  convolution(64, 32, 64, 64, 3, 1);  // the 3x3 of ResNet-18 on CIFAR and of ResNet-50
  convolution(64, 16, 128, 128, 3, 1);
  convolution(128, 8, 256, 256, 3, 1);
  convolution(256, 4, 512, 512, 3, 1);
  convolution(16, 56, 64, 64, 3, 1);
  convolution(16, 28, 128, 128, 3, 1);
  convolution(16, 14, 256, 256, 3, 1);
  convolution(16, 7, 512, 512, 3, 1);
  convolution(64, 32, 64, 128, 3, 2);
  convolution(64, 16, 128, 256, 3, 2);
  convolution(16, 56, 64, 256, 1, 1);
  convolution(16, 56, 256, 64, 1, 1);
  convolution(16, 14, 1024, 256, 1, 1);
  convolution(16, 7, 512, 2048, 1, 1);
  convolution(64, 32, 64, 128, 1, 2);
  convolution(64, 32, 3, 64, 3, 1);
  convolution(16, 224, 3, 64, 7, 2);
  linear(256 * 17, 192, 576);
  linear(256 * 17, 192, 768);
  linear(256 * 17, 768, 192);
  linear(64 * 65, 384, 1536);
  linear(64 * 65, 1536, 384);
  linear(8 * 197, 768, 2304);
  linear(8 * 197, 768, 3072);
  linear(8 * 197, 3072, 768);
  linear(512, 512, 128);
  batch_norm(64, 32, 64);
  batch_norm(16, 56, 256);
  batch_norm(256, 4, 512);
  normalised_convolution(64, 32, 64, 64, 3);
  normalised_convolution(256, 4, 512, 512, 3);
  normalised_convolution(16, 56, 64, 256, 1);
  normalised_convolution(64, 32, 3, 64, 3);
  layer_norm(256 * 65, 192);
  layer_norm(8 * 197, 768);
  bias_and_gelu(256 * 65, 768);
  bias(256 * 17, 768);
  bias(8 * 197, 3072);
}
