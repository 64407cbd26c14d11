// Convolutions, matrix products and what surrounds them, each alone: one JSON line per case with the fastest
// of several runs; kernels.py measures the same cases in PyTorch.
//   kernels [threads] [runs]
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string>

#include <pretext/core/on.hpp>
#include <pretext/core/tensor.hpp>
#include <pretext/kernels/cpu/batch_norm.hpp>
#include <pretext/kernels/cpu/convolution.hpp>
#include <pretext/kernels/cpu/elementwise.hpp>
#include <pretext/kernels/cpu/gemm.hpp>

#include "timing.hpp"

using namespace pretext;
using kernels::into;
using kernels::op;

namespace {

std::size_t threads = 2;
int runs = 7;
on<cpu> place;

/// Device memory full of numbers in [-1, 1).
struct numbers {
  buffer<float, cpu> memory;

  explicit numbers(std::size_t count) : memory{count} {
    for (std::size_t i = 0; i < count; ++i)
      memory.data()[i] = static_cast<float>(random_key{.sample = i}.word(0)) / 2147483648.0f - 1;
  }
  operator float*() { return memory.data(); }
};

/// `operations` are those of the definition: a multiplication and an addition for each product.
template <class Call>
void time(const std::string& name, double operations, double bytes, const Call& call) {
  const double fastest = benchmarks::milliseconds_of(runs, [&](int) { call(); }).front();
  std::printf(
      "{\"side\": \"pretext\", \"case\": \"%s\", \"threads\": %zu, \"ms\": %.4f, \"gflops\": %.1f, "
      "\"gbytes_per_s\": %.1f}\n",
      name.c_str(), threads, fastest, operations / fastest / 1e6, bytes / fastest / 1e6);
  std::fflush(stdout);
}

void convolution(std::size_t images, std::size_t side, std::size_t in, std::size_t out, std::size_t kernel,
                 std::size_t stride) {
  using cpu_convolution = kernels::convolution<cpu>;
  const kernels::convolution_extents e{side, side, in, out, kernel, kernel, stride, kernel / 2};
  const std::size_t results = images * e.out_height() * e.out_width() * out;
  numbers x{images * side * side * in}, w{e.weights()}, y{results}, dy{results},
      dx{images * side * side * in}, dw{e.weights()};
  const std::string name = "conv " + std::to_string(kernel) + "x" + std::to_string(kernel) + "/" +
                           std::to_string(stride) + ", " + std::to_string(in) + " to " + std::to_string(out) +
                           ", " + std::to_string(side) + " px, " + std::to_string(images) + " images: ";
  const double operations = 2 * static_cast<double>(results) * static_cast<double>(e.taps() * in);
  time(name + "forward", operations, 0,
       [&] { cpu_convolution::forward<on<cpu>, float>(place, e, images, x, w, y); });
  if (in > 3)
    time(name + "data gradient", operations, 0, [&] {
      cpu_convolution::backward_data<on<cpu>, float>(place, e, images, dy, w, dx, into::overwrite);
    });
  time(name + "weight gradient", operations, 0,
       [&] { cpu_convolution::backward_weights<on<cpu>, float>(place, e, images, x, dy, dw); });
}

/// A linear layer of `tokens` rows, weights (in, out).
void linear(std::size_t tokens, std::size_t in, std::size_t out) {
  numbers x{tokens * in}, w{in * out}, y{tokens * out}, dx{tokens * in}, dw{in * out};
  const std::string name = "linear " + std::to_string(in) + " to " + std::to_string(out) + ", " +
                           std::to_string(tokens) + " rows: ";
  const double operations = 2 * static_cast<double>(tokens) * static_cast<double>(in * out);
  const auto product = [&](const char* what, op a, op b, std::size_t m, std::size_t n, std::size_t k,
                           const float* left, const float* right, float* result) {
    time(name + what, operations, 0,
         [&] { kernels::gemm<cpu>::run(place, a, b, m, n, k, left, right, result, into::overwrite); });
  };
  product("forward", op::as_is, op::as_is, tokens, out, in, x, w, y);
  product("data gradient", op::as_is, op::transposed, tokens, in, out, y, w, dx);
  product("weight gradient", op::transposed, op::as_is, in, out, tokens, x, y, dw);
}

void batch_norm(std::size_t images, std::size_t side, std::size_t channels) {
  using norm = kernels::batch_norm<cpu>;
  const std::size_t rows = images * side * side, size = rows * channels;
  numbers x{size}, y{size}, dy{size}, dx{size}, gamma{channels}, beta{channels}, mean{channels},
      inverse{channels}, running_mean{channels}, running_variance{channels}, scale{channels}, shift{channels},
      dgamma{channels}, dbeta{channels};
  const std::string name = "batch norm + ReLU, " + std::to_string(channels) + " channels, " +
                           std::to_string(side) + " px, " + std::to_string(images) + " images: ";
  const double pass = static_cast<double>(size * sizeof(float));
  time(name + "forward", 0, 3 * pass, [&] {
    norm::statistics<on<cpu>, float>(place, rows, channels, 1, x, 1e-5f, mean, inverse, 0.1f, running_mean,
                                     running_variance);
    norm::fold<on<cpu>, float>(place, channels, 1, mean, inverse, gamma, beta, scale, shift);
    norm::apply<on<cpu>, float>(place, rows, channels, 1, x, scale, shift, nullptr, true, y);
  });
  time(name + "backward", 0, 5 * pass, [&] {
    // In place, as a fused convolution calls it: x takes the gradient.
    norm::backward<on<cpu>, float>(place, rows, channels, 1, dy, true, nullptr, x, mean, inverse, gamma, beta,
                                   dgamma, dbeta, x, nullptr);
  });
}

void bias(std::size_t rows, std::size_t columns) {
  numbers y{rows * columns}, b{columns}, db{columns};
  const std::string name = "bias, " + std::to_string(rows) + " rows of " + std::to_string(columns) + ": ";
  const double pass = static_cast<double>(rows * columns * sizeof(float));
  time(name + "forward", 0, 2 * pass,
       [&] { kernels::row_bias<cpu>::add<on<cpu>, float>(place, rows, columns, b, y); });
  time(name + "gradient", 0, pass,
       [&] { kernels::row_bias<cpu>::sum<on<cpu>, float>(place, rows, columns, y, db); });
}

}  // namespace

int main(int count, char** words) {
  if (count > 1) threads = std::strtoull(words[1], nullptr, 10);
  if (count > 2) runs = std::atoi(words[2]);
  place.stream = cpu::stream{threads};
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
  bias(256 * 17, 768);
  bias(8 * 197, 3072);
}
