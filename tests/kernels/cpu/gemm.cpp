#include <doctest/doctest.h>

#include <set>

#include <pretext/core/context.hpp>
#include <pretext/kernels/cpu/gemm.hpp>

#include "convolutions.hpp"

using namespace pretext;
using namespace pretext::tests;
using kernels::op;
using kernels::write_mode;

namespace {

struct extents {
  std::size_t m, n, k;
};
// Whole and partial tiles, several blocks of rows, columns and depth, a sum long enough to be divided into
// parts.
const extents cases[] = {{1, 1, 1},      {13, 33, 5}, {100, 70, 1100}, {24, 64, 3000},
                         {200, 400, 17}, {50, 3, 2},  {5, 7, 0}};

template <class T, class Numerics = fp32>
std::vector<T> product(const extents& e, op a, op b, write_mode mode, std::size_t threads) {
  const auto A = random_values<T>(e.m * e.k, 1), B = random_values<T>(e.k * e.n, 2);
  std::vector<T> C(e.m * e.n, T{3});
  on<cpu, Numerics> context{cpu::stream{threads}};
  kernels::gemm<cpu>::run(context, a, b, e.m, e.n, e.k, A.data(), B.data(), C.data(), mode);
  return C;
}

template <class T>
std::vector<double> definition(const extents& e, op a, op b, write_mode mode, bool round = false) {
  auto A = random_values<T>(e.m * e.k, 1), B = random_values<T>(e.k * e.n, 2);
  for (auto* operands : {&A, &B})
    for (T& value : *operands)
      if (round) value = static_cast<float>(bfloat16{static_cast<float>(value)});
  std::vector<double> C(e.m * e.n, mode == write_mode::accumulate ? 3 : 0);
  for (std::size_t r = 0; r < e.m; ++r)
    for (std::size_t c = 0; c < e.n; ++c)
      for (std::size_t i = 0; i < e.k; ++i)
        C[r * e.n + c] += double(A[a == op::none ? r * e.k + i : i * e.m + r]) *
                          double(B[b == op::none ? i * e.n + c : c * e.k + i]);
  return C;
}

}  // namespace

TEST_CASE_TEMPLATE("a matrix product is that of the definition, with either operand transposed or not", T,
                   float, double) {
  for (const auto& e : cases)
    for (op a : {op::none, op::transposed})
      for (op b : {op::none, op::transposed})
        for (write_mode mode : {write_mode::overwrite, write_mode::accumulate}) {
          CAPTURE(e.m);
          CAPTURE(e.k);
          const auto result = product<T>(e, a, b, mode, 1);
          const auto expected = definition<T>(e, a, b, mode);
          const double unit = sizeof(T) == 4 ? 1e-7 : 3e-16;
          bool near = true;
          for (std::size_t i = 0; i < result.size(); ++i)
            near = near && std::abs(double(result[i]) - expected[i]) <= unit * double(e.k + 9);
          CHECK(near);
        }
}

TEST_CASE("a product in bf16 is that of its rounded operands, accumulated in float") {
  for (const auto& e : cases)
    for (op a : {op::none, op::transposed})
      for (op b : {op::none, op::transposed})
        for (write_mode mode : {write_mode::overwrite, write_mode::accumulate}) {
          CAPTURE(e.m);
          CAPTURE(e.k);
          const auto result = product<float, bf16>(e, a, b, mode, 1);
          const auto of_rounded = definition<float>(e, a, b, mode, true),
                     exact = definition<float>(e, a, b, mode);
          // The bound of float for sums of products of values up to 1; the relative error of an operand is up
          // to 2^-9.
          bool near = true;
          for (std::size_t i = 0; i < result.size(); ++i)
            near = near && std::abs(double(result[i]) - of_rounded[i]) <= 1e-7 * double(e.k + 9);
          CHECK(near);
          if (e.k > 0) CHECK(relative_error(result, exact) < 1. / 256);
          if (e.k > 100) CHECK(relative_error(result, exact) > 1e-4);  // the operands were rounded
        }
}

TEST_CASE("a product in bf16 is the same bits for any number of threads") {
  for (const auto& e : cases)
    for (op a : {op::none, op::transposed})
      for (std::size_t threads : {2u, 3u})
        CHECK(product<float, bf16>(e, a, op::transposed, write_mode::accumulate, 1) ==
              product<float, bf16>(e, a, op::transposed, write_mode::accumulate, threads));
}

TEST_CASE("a product is the same bits for any number of threads") {
  for (const auto& e : cases)
    for (op a : {op::none, op::transposed})
      CHECK(product<float>(e, a, op::none, write_mode::accumulate, 1) ==
            product<float>(e, a, op::none, write_mode::accumulate, 3));
}

TEST_CASE(
    "a product of few rows has enough blocks for all threads, one of many rows has blocks of 256 columns") {
  const auto blocks = [](std::size_t m, std::size_t n) {
    const std::vector<float> A(m * 8, 1.f), B(8 * n, 1.f);
    std::vector<float> C(m * n);
    on<cpu> context;
    std::size_t count = 0;
    kernels::gemm<cpu>::run_with_epilogue(context, op::none, m, n, 8, A.data(), B.data(), C.data(),
                                          [&](const kernels::output_block&) { ++count; });
    return count;
  };
  CHECK(blocks(65, 192) == kernels::panels<float>(192));
  CHECK(blocks(1, 2048) == 16);
  CHECK(blocks(197, 1536) >= 16);
  CHECK(blocks(96 * 20, 512) == 40);
}

TEST_CASE("the tokens of one image are one block of rows, unless the caller asks for a fixed division") {
  const auto tops = [](kernels::row_division division) {
    constexpr std::size_t m = 197, n = 64, k = 8;
    const std::vector<float> A(m * k, 1.f), B(k * n, 1.f);
    std::vector<float> C(m * n);
    on<cpu> context;
    std::set<std::size_t> found;
    kernels::gemm<cpu>::run_with_epilogue(
        context, op::none, m, n, k, A.data(), B.data(), C.data(),
        [&](const kernels::output_block& block) { found.insert(block.top); }, division);
    return found;
  };
  CHECK(tops(kernels::row_division::chosen) == std::set<std::size_t>{0});
  CHECK(tops(kernels::row_division::fixed) == std::set<std::size_t>{0, 96, 192});
}
