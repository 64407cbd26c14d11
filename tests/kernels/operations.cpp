#include "operations.hpp"

#include <doctest/doctest.h>

#include <pretext/cpu.hpp>
#include <pretext/kernels/gpu/operations.hpp>

#include "cuda/emulated.hpp"

using namespace pretext;

namespace {

/// A device that makes one mistake in each operation.
struct careless : cpu {};

}  // namespace

template <>
struct kernels::relu<careless> {  // lacks `backward`
  template <class Context, class T>
  static void forward(Context&, std::size_t, const T*, T*) {}
};

template <>
struct kernels::gemm<careless> {  // stores gradients of weights as activations
  template <class Context, class T>
  static void run(Context&, op, op, std::size_t, std::size_t, std::size_t, const T*, const T*, T*,
                  write_mode) {}
};

template <>
struct kernels::nt_xent<careless> {  // returns no loss
  template <class Context, class T>
  static void run(Context&, std::size_t, std::size_t, double, double, const T*, T*) {}
};

template <>
struct kernels::token_mean<careless> {  // takes its input by a pointer that it may write to
  template <class Context, class T>
  static void forward(Context&, std::size_t, std::size_t, std::size_t, std::size_t, std::size_t, T*, T*) {}
  template <class Context, class T>
  static void backward(Context&, std::size_t, std::size_t, std::size_t, std::size_t, std::size_t, const T*,
                       T*) {}
};

template <>
struct kernels::convolution<careless> : kernels::convolution<cpu> {};  // computes moments

template <>
struct kernels::batch_norm<careless> {  // has no use for them
  static constexpr bool stores_signs = true;

  template <class Context, class T>
  static void scale_columns(Context&, std::size_t, std::size_t, const T*, const T*, T*) {}
};

TEST_CASE("the CPU implements every operation in every numerics") {
  CHECK(tests::implements_every_numerics<cpu>());
}

TEST_CASE("the kernels for GPUs implement every operation in every numerics") {
  CHECK(tests::implements_every_numerics<tests::emulated>());
}

TEST_CASE("an operation with a missing function, another type or another result is incomplete") {
  /// fp32 arithmetic, with activations stored as bfloat16.
  struct mixed : on<careless, fp32> {
    using activation = bfloat16;
  };
  CHECK_FALSE(kernels::ReluKernel<on<careless, fp32>>);
  CHECK(kernels::GemmKernel<on<careless, fp32>>);
  CHECK_FALSE(kernels::GemmKernel<mixed>);
  CHECK_FALSE(kernels::NtXentKernel<on<careless, fp32>>);
  CHECK_FALSE(kernels::TokenMeanKernel<on<careless, fp32>>);
  CHECK_FALSE(kernels::BatchNormKernel<on<careless, fp32>>);
  CHECK(kernels::ConvolutionMomentsKernel<on<careless, fp32>>);
  CHECK_FALSE(kernels::BatchNormMomentsKernel<on<careless, fp32>>);
  CHECK(kernels::stores_signs<careless>);
  CHECK_FALSE(kernels::BatchNormSignsKernel<on<careless, fp32>>);
}
