#include "methods/every_method.hpp"

#include <doctest/doctest.h>

#include <string>

#include <pretext/cpu.hpp>
#include <pretext/kernels/gpu/operations.hpp>
#include <pretext/optimizers/sgd.hpp>

#include "emulated.hpp"
#include "support/reference.hpp"

using namespace pretext;
using namespace pretext::tests;

TEST_CASE("every method on the emulated GPU learns what it learns on the CPU") {
  for_each_method([]<class Method>(const std::string& name, const Method& method) {
    CAPTURE(name);
    trainer<Method, on<cpu, fp64>, sgd> expected{method, {}, 3};
    trainer<Method, on<emulated, fp64>, sgd> found{method, {}, 3};
    for (std::size_t step = 0; step < 2; ++step)
      CHECK(step_of_every_method(found, step) ==
            doctest::Approx(step_of_every_method(expected, step)).epsilon(1e-9));
    const auto on_cpu = checkpoint_of(expected), on_gpu = checkpoint_of(found);
    REQUIRE(on_cpu.size() == on_gpu.size());
    for (std::size_t row = 0; row < on_cpu.size(); ++row) {
      CAPTURE(on_cpu[row].first);
      REQUIRE(on_cpu[row].first == on_gpu[row].first);
      CHECK(relative_difference(on_gpu[row].second, on_cpu[row].second) < 1e-9);
    }
  });
}

// DINOv2 starts with class tokens that differ by less than bfloat16 resolves, because its LayerScale is 1e-5,
// so that KoLeo's logarithms of their distances are those of rounding.
TEST_CASE("iBOT computes in bfloat16 what it computes in double") {
  trainer<small_ibot, on<cpu, fp64>, sgd> expected{{}, {}, 3};
  trainer<small_ibot, on<emulated, bf16>, sgd> found{{}, {}, 3};
  for (std::size_t step = 0; step < 2; ++step)
    CHECK(step_of_every_method(found, step) ==
          doctest::Approx(step_of_every_method(expected, step)).epsilon(0.02));
}
