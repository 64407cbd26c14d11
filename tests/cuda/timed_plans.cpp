// How proposals of cuBLASLt and cuDNN are timed, chosen and kept: the mock libraries offer as many as a test
// says, and each advances the mock's clock by the milliseconds that the test sets.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include <pretext/core/tensor.hpp>
#include <pretext/devices/cuda.hpp>
#include <pretext/devices/cuda/cudnn_plans.hpp>

#include "cuda/mock_library.hpp"
#include "cuda/mock_times.hpp"
#include "cuda/ptx/gpu.hpp"

using namespace pretext;
using namespace pretext::detail;
using tests::milliseconds_of;
using floats = std::vector<float>;

namespace {

/// What the operations run with.
struct context {
  cuda_gpu::stream stream;
  arena<cuda_gpu> workspace;

  explicit context(bool timed = true) { stream.plans().timed = timed; }
  float milliseconds() const { return tests::ptx::gpu::instance().stream(stream.native()).time(); }
};

/// Values on the device.
struct device_floats {
  context& at;
  buffer<float, cuda_gpu> memory;
  device_floats(context& with, const floats& values) : at{with}, memory{values.size()} {
    cuda_gpu::write(at.stream, memory.data(), values.data(), values.size());
  }
  floats values() const {
    floats host(memory.size());
    cuda_gpu::read(at.stream, host.data(), memory.data(), host.size());
    return host;
  }
};

floats numbers(std::size_t count, int seed) {
  floats all;
  for (std::size_t i = 0; i < count; ++i)
    all.push_back(static_cast<float>((i * 7 + static_cast<std::size_t>(seed) * 3) % 11) - 5);
  return all;
}

/// A gradient of images that a convolution adds to another, or stores.
struct convolution_case {
  static floats& times() { return milliseconds_of.plans; }
  context& at;
  cudnn_convolution operation;
  device_floats dx{at, numbers(2 * 4 * 4 * 2, 1)}, dy{at, numbers(2 * 4 * 4 * 3, 2)},
      w{at, numbers(3 * 3 * 3 * 2, 3)};

  convolution_case(context& with, bool adds)
      : at{with}, operation{convolution_pass::data,
                            CUDNN_DATA_FLOAT,
                            CUDNN_DATA_FLOAT,
                            2,
                            4,
                            4,
                            2,
                            3,
                            4,
                            4,
                            3,
                            3,
                            1,
                            1,
                            adds} {
    setenv("PRETEXT_MOCK_CUDNN", "1", 1);
  }
  bool run() {
    return at.stream.library<cudnn_plans>().run(
        at, operation,
        {{image_name, dx.memory.data()}, {result_name, dy.memory.data()}, {filter_name, w.memory.data()}});
  }
  floats result() const { return dx.values(); }
  std::optional<std::size_t> kept() const { return at.stream.plans().find(name_of(operation)); }
};

/// A product that is added to a matrix, or stored.
struct product_case {
  static floats& times() { return milliseconds_of.products; }
  context& at;
  matrix_product operation;
  device_floats a{at, numbers(4 * 3, 1)}, b{at, numbers(3 * 5, 2)}, d{at, numbers(4 * 5, 3)};

  product_case(context& with, bool adds)
      : at{with}, operation{false, false,      adds,       true,       product_epilogue::result, 4, 5,
                            3,     CUDA_R_32F, CUDA_R_32F, CUDA_R_32F, CUBLAS_COMPUTE_32F} {}
  bool run() {
    return at.stream.products().run(at.stream.native(), operation, a.memory.data(), b.memory.data(),
                                    d.memory.data(), d.memory.data());
  }
  floats result() const { return d.values(); }
  std::optional<std::size_t> kept() const { return at.stream.plans().find(name_of(operation)); }
};

/// A convolution of cuDNN's, or other work on the stream instead, which adds 1 to a number.
struct replaced_convolution {
  convolution_case convolution;
  context& at;
  float milliseconds;  ///< of the other work
  device_floats number{at, {0}};
  int calls = 0;

  replaced_convolution(context& with, float of_other)
      : convolution{with, false}, at{with}, milliseconds{of_other} {}
  bool cudnn_is_faster(bool untimed = true) {
    return at.stream.library<cudnn_plans>().is_faster(
        at, convolution.operation, {number.memory.data(), sizeof(float)}, [&] { return convolution.run(); },
        [&] {
          ++calls;
          float* const changed = number.memory.data();
          tests::enqueue_library_work(at.stream.native(), "other", {.milliseconds = milliseconds}, [changed] {
            *static_cast<float*>(tests::library_output(changed, sizeof(float))) += 1;
          });
        },
        untimed);
  }
};

/// The milliseconds that the work takes.
template <class Work>
float duration(const context& at, const Work& work) {
  const float before = at.milliseconds();
  work();
  return at.milliseconds() - before;
}

/// The result with the first proposal.
template <class Case>
floats first_result(bool adds) {
  context at{false};
  Case expected{at, adds};
  CHECK(expected.run());
  return expected.result();
}

}  // namespace

TEST_CASE_TEMPLATE("the fastest proposal that the library executes is chosen, and its number kept", Case,
                   convolution_case, product_case) {
  Case::times() = {7, -1, 5, 6};
  context at;
  Case timed{at, false};
  CHECK(timed.run());
  CHECK(timed.kept() == 2);
  CHECK(duration(at, [&] { CHECK(timed.run()); }) == 5);
  CHECK(timed.result() == first_result<Case>(false));

  Case::times() = floats(20, 1);
  Case::times()[7] = 0.5f;
  Case::times()[8] = 0.1f;
  context of_many;
  Case eight{of_many, false};
  CHECK(eight.run());
  CHECK(eight.kept() == 7);  // of the first eight
}
TEST_CASE_TEMPLATE("timing does not change a result that is added to", Case, convolution_case, product_case) {
  Case::times() = {3, 2, 1};
  context at;
  Case timed{at, true};
  CHECK(timed.run());
  CHECK(timed.kept() == 2);
  CHECK(timed.result() == first_result<Case>(true));
  CHECK(timed.result() != first_result<Case>(false));
}
TEST_CASE_TEMPLATE("plans that are not timed are the first that the library executes", Case, convolution_case,
                   product_case) {
  Case::times() = {3, 1};
  context at{false};
  Case first{at, false};
  CHECK(duration(at, [&] { CHECK(first.run()); }) == 3);
  CHECK(first.kept() == 0);
}
TEST_CASE_TEMPLATE("nothing is timed while the stream is recorded: the first proposal is taken", Case,
                   convolution_case, product_case) {
  Case::times() = {3, 1};
  context at;
  Case recorded{at, true};
  {
    const arena_scope guard{at.workspace};  // a recording must not allocate, nor may a library
    at.workspace.allocate<std::byte>(1 << 16);
  }
  product_case other{at, false};
  other.operation.n = 1;
  other.run();
  const auto graph = cuda_gpu::record(at.stream, [&] { CHECK(recorded.run()); });
  CHECK(recorded.kept() == 0);
  CHECK(duration(at, [&] { graph.replay(at.stream); }) == 3);
  CHECK(recorded.result() == first_result<Case>(true));
  CHECK(duration(at, [&] { recorded.run(); }) == 3);
}
TEST_CASE_TEMPLATE("choices that were taken from a text are used without timing", Case, convolution_case,
                   product_case) {
  Case::times() = {3, 1, 2};
  std::string text;
  {
    context at;
    Case timed{at, false};
    CHECK(timed.run());
    text = at.stream.plans().to_text(at.stream.libraries());
  }
  Case::times() = {3, 4, 2};
  context at;
  CHECK(at.stream.plans().take(text, at.stream.libraries()).empty());
  Case again{at, false};
  CHECK(duration(at, [&] { CHECK(again.run()); }) == 4);
  CHECK(again.kept() == 1);
  CHECK(again.result() == first_result<Case>(false));
}
TEST_CASE_TEMPLATE("choices that the library no longer proposes are made anew", Case, convolution_case,
                   product_case) {
  Case::times() = {3, 1};
  context at;
  Case timed{at, false};
  at.stream.plans().keep(name_of(timed.operation), 5);
  CHECK(timed.run());
  CHECK(timed.kept() == 1);
}
TEST_CASE("a plan behind those that are timed is kept, too, if it was the first that cuDNN executes") {
  std::string text;
  {
    milliseconds_of.plans = floats(8, -1);
    milliseconds_of.plans.push_back(2);
    context at;
    convolution_case ninth{at, false};
    CHECK(ninth.run());
    CHECK(ninth.kept() == 8);
    text = at.stream.plans().to_text(at.stream.libraries());
  }
  std::fill_n(milliseconds_of.plans.begin(), 8, 1.0f);
  context at;
  CHECK(at.stream.plans().take(text, at.stream.libraries()).empty());
  convolution_case again{at, false};
  CHECK(duration(at, [&] { CHECK(again.run()); }) == 2);
}
TEST_CASE("a kept plan that cuDNN does not execute is replaced by the first that it executes") {
  milliseconds_of.plans = {-1, 3, -1, 2};
  context at;
  convolution_case refused{at, true};
  at.stream.plans().keep(name_of(refused.operation), 2);
  CHECK(duration(at, [&] { CHECK(refused.run()); }) == 3);
  CHECK(refused.kept() == 1);
  CHECK(refused.result() == first_result<convolution_case>(true));

  milliseconds_of.plans = {-1, -1};
  context without;
  convolution_case none{without, true};
  CHECK(!none.run());
  CHECK(!none.run());
  CHECK(none.result() == numbers(2 * 4 * 4 * 2, 1));
}
TEST_CASE("cuDNN's plan is compared once with separate kernels, whose changes are undone") {
  milliseconds_of.plans = {3, 2};
  for (const float others : {1.0f, 4.0f}) {
    CAPTURE(others);
    std::string text;
    {
      context at;
      replaced_convolution replaced{at, others};
      CHECK(replaced.cudnn_is_faster() == (others > 2));
      CHECK(replaced.calls > 0);
      CHECK(replaced.number.values() == floats{0});
      const int calls = replaced.calls;
      CHECK(replaced.cudnn_is_faster() == (others > 2));
      CHECK(replaced.calls == calls);
      CHECK(at.stream.plans().find("cuDNN's fused kernel (0) or other kernels (1): " +
                                   name_of(replaced.convolution.operation)) == (others > 2 ? 0 : 1));
      text = at.stream.plans().to_text(at.stream.libraries());
    }
    context again;
    CHECK(again.stream.plans().take(text, again.stream.libraries()).empty());
    replaced_convolution kept{again, 2.5f};
    CHECK(kept.cudnn_is_faster() == (others > 2));
    CHECK(kept.calls == 0);
    const auto& plan = again.stream.library<cudnn_plans>().find(kept.convolution.operation);
    CHECK(plan.executions.empty() == (others < 2));
  }
  context first{false};
  replaced_convolution untimed{first, 1};
  CHECK(untimed.cudnn_is_faster());
  CHECK(untimed.calls == 0);
  context other{false};
  replaced_convolution default_of_others{other, 1};
  CHECK(!default_of_others.cudnn_is_faster(false));
  CHECK(default_of_others.calls == 0);
  CHECK(other.stream.library<cudnn_plans>().find(default_of_others.convolution.operation).executions.empty());
  context chosen{false};
  replaced_convolution of_cudnn{chosen, 1};
  chosen.stream.plans().keep(
      "cuDNN's fused kernel (0) or other kernels (1): " + name_of(of_cudnn.convolution.operation), 0);
  CHECK(of_cudnn.cudnn_is_faster(false));
  milliseconds_of.plans = {-1, -1};
  context without;
  replaced_convolution refused{without, 9};
  CHECK(!refused.cudnn_is_faster());
}
TEST_CASE("without memory for the workspaces of all plans, the first one is taken") {
  milliseconds_of.plans = {2, 1};
  context at;
  convolution_case timed{at, false};
  const arena_scope guard{at.workspace};
  at.workspace.allocate<std::byte>((1 << 16) - 1024);  // the first plan's workspace is left of a block
  auto& available = tests::ptx::gpu::instance().available;
  available = 0;
  CHECK(timed.run());
  available = static_cast<std::size_t>(-1);
  CHECK(timed.kept() == 0);
  CHECK(timed.result() == first_result<convolution_case>(false));
}
TEST_CASE("the text of the choices names GPU and versions, and each operation in words") {
  milliseconds_of = {{3, 1}, {3, 2, 1}};
  context at;
  convolution_case convolution{at, true};
  product_case product{at, true};
  convolution.run();
  product.run();
  CHECK(at.stream.libraries() ==
        "mock GPU, cuBLASLt " + std::to_string(cublasLtGetVersion()) + ", cuDNN 91900");
  CHECK(
      at.stream.plans().to_text("GPU") ==
      "# Which proposal of the GPU's libraries computes each operation: its number, from 0.\non GPU\ntimed\n"
      "2 convolution's gradient of images 2x4x4x2 to 4x4x3 by 3x3 stride 1 padding 1 float32 float32, added\n"
      "1 product nn 4x5x3 float32 float32, added\n");
}
