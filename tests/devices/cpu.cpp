#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <new>
#include <thread>
#include <vector>

#include <pretext/core/concepts.hpp>
#include <pretext/devices/cpu.hpp>
#include <pretext/kernels/cpu/batch_norm.hpp>
#include <pretext/kernels/cpu/convolution.hpp>
#include <pretext/kernels/cpu/elementwise.hpp>
#include <pretext/kernels/cpu/gemm.hpp>
#include <pretext/layers/batch_norm.hpp>
#include <pretext/layers/convolution.hpp>
#include <pretext/layers/relu.hpp>
#include <pretext/layers/sequential.hpp>

using namespace pretext;

namespace {

struct network : sequential<convolution<16, 3>, batch_norm<>, relu, convolution<8, 1>> {};
using context_type = on<cpu>;
using images = shape<32, 32, 3>;
using maps = output_of<network, images>;

/// The output of the network for `batch` images, computed `times` times in one context.
std::vector<float> outputs(const cpu::stream& stream, const std::vector<float>& weight, std::size_t batch,
                           int times) {
  context_type context{.stream = stream};
  std::vector<float> w = weight, x(batch * images::size), y(batch * maps::size);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i % 97) / 97;
  for (int i = 0; i < times; ++i) {
    context.activations.reset();
    network::infer(context, weights<context_type>{w.data()}, reads<context_type, images>{x.data(), batch},
                   writes<context_type, maps>{y.data(), batch});
  }
  return y;
}

}  // namespace

TEST_CASE("contexts with copies of one stream compute in two threads what each computes alone") {
  std::vector<float> weight(weight_count<network, images>);
  for (std::size_t i = 0; i < weight.size(); ++i) weight[i] = static_cast<float>(1 + i % 13) / 13;
  const auto small = outputs(cpu::stream{}, weight, 16, 1), large = outputs(cpu::stream{}, weight, 24, 1);

  const cpu::stream shared{3};
  std::vector<float> first, second;
  std::thread other{[&, copy = shared] { second = outputs(copy, weight, 24, 200); }};
  first = outputs(shared, weight, 16, 200);
  other.join();
  CHECK(first == small);
  CHECK(second == large);
}

TEST_CASE("memory is aligned to 64 bytes and zero, and none is allocated for no elements") {
  for (const std::size_t count : {std::size_t{1}, std::size_t{1000}, std::size_t{1} << 23}) {
    float* const data = cpu::allocate<float>(count);
    CHECK(reinterpret_cast<std::uintptr_t>(data) % 64 == 0);
    CHECK(data[0] == 0);
    CHECK(data[count - 1] == 0);
    cpu::release(data);
  }
  CHECK(cpu::allocate<float>(0) == nullptr);
  CHECK(cpu::allocate_undefined<float>(0) == nullptr);
}

TEST_CASE("more elements than an address can count are refused, and not a few of them allocated") {
  constexpr std::size_t wraps =
      std::size_t(-1) / sizeof(float) + 2;  // four bytes, modulo the largest address
  CHECK_THROWS_AS(cpu::allocate_undefined<float>(wraps), std::bad_alloc);
}
