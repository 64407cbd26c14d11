#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <cstddef>
#include <vector>

#include <pretext/core/random.hpp>
#include <pretext/kernels/cpu/gemm/eigen_packets.hpp>
#include <pretext/kernels/cpu/gemm/pack_panels.hpp>
#include <pretext/kernels/cpu/gemm/tile.hpp>

using namespace pretext;
using namespace pretext::kernels;

namespace {

template <class T>
std::vector<T> random_values(std::size_t count, std::uint64_t seed) {
  std::vector<T> result(count);
  for (std::size_t i = 0; i < count; ++i)
    result[i] = static_cast<T>(random_key{.seed = seed, .sample = i}.word(0)) / T{2147483648} - T{1};
  return result;
}

// Operands, and the product of two of them.
template <class Operand>
std::vector<Operand> operands_of(std::size_t count, std::uint64_t seed) {
  return random_values<Operand>(count, seed);
}
template <>
std::vector<bfloat16_pair> operands_of(std::size_t count, std::uint64_t seed) {
  const auto result = random_values<float>(2 * count, seed);
  std::vector<bfloat16_pair> pairs;
  for (std::size_t i = 0; i < count; ++i)
    pairs.push_back({bfloat16{result[2 * i]}.bits | std::uint32_t{bfloat16{result[2 * i + 1]}.bits} << 16});
  return pairs;
}
template <class T>
double times(T a, T b) {
  return double(a) * double(b);
}
double times(bfloat16_pair a, bfloat16_pair b) {
  const auto first = [](bfloat16_pair p) { return std::bit_cast<float>(p.bits << 16); };
  const auto second = [](bfloat16_pair p) { return std::bit_cast<float>(p.bits & 0xffff0000u); };
  return times(first(a), first(b)) + times(second(a), second(b));
}

template <class T>
bool close(T value, double expected, std::size_t depth) {
  const double unit = sizeof(T) == 4 ? 1.2e-7 : 2.3e-16;
  return std::abs(static_cast<double>(value) - expected) <= unit * static_cast<double>(depth);
}

// The tile in use, and the one of processors other than x86-64.
template <class T>
struct best_tile {
  using operand = T;
  static tile_shape shape() { return {tile_rows(), panel_width<T>()}; }
  template <class Product>
  static void run(const Product& product) {
    run_tile(product);
  }
};
template <class T>
struct eigen_tile : kernels::detail::portable_tile<T, kernels::detail::eigen_packets<T>> {
  using operand = T;
  static tile_shape shape() { return shape_of_tile<T>(isa::portable); }
};

// Every part of a tile, overwritten and accumulated; elements outside must not change.
template <class Tile>
void check_gathered(std::size_t taps, std::size_t depth) {
  using Operand = typename Tile::operand;
  using T = sum_of<Operand>;
  const auto [rows, width] = Tile::shape();
  const auto a = operands_of<Operand>(taps * rows * depth, 1),
             b = operands_of<Operand>(taps * depth * width, 2);
  std::vector<const Operand*> left, right;
  for (std::size_t i = 0; i < taps * rows; ++i) left.push_back(&a[i * depth]);
  for (std::size_t t = 0; t < taps; ++t) right.push_back(&b[t * depth * width]);
  for (std::size_t m = 1; m <= rows; ++m)
    for (std::size_t n = 1; n <= width; ++n)
      for (bool accumulate : {false, true}) {
        std::vector<T> c(rows * width, T{7});
        std::vector<T*> result;
        for (std::size_t r = 0; r < m; ++r) result.push_back(&c[r * width]);
        Tile::run(gathered_product<Operand>{left.data(), right.data(), taps, depth, result.data(), m, n,
                                            accumulate});
        bool right_sums = true, untouched = true;
        for (std::size_t r = 0; r < rows; ++r)
          for (std::size_t j = 0; j < width; ++j) {
            if (r >= m || j >= n) {
              untouched = untouched && c[r * width + j] == T{7};
              continue;
            }
            double sum = accumulate ? 7 : 0;
            for (std::size_t t = 0; t < taps; ++t)
              for (std::size_t k = 0; k < depth; ++k)
                sum += times(left[t * rows + r][k], right[t][k * width + j]);
            right_sums = right_sums && close(c[r * width + j], sum, taps * depth + 7);
          }
        REQUIRE(right_sums);
        REQUIRE(untouched);
      }
}

template <class Tile>
void check_outer(std::size_t count) {
  using Operand = typename Tile::operand;
  using T = sum_of<Operand>;
  const auto [rows, width] = Tile::shape();
  const std::size_t offset = 3, step = width + 5;
  const auto a = operands_of<Operand>(count * (rows + offset), 3), b = operands_of<Operand>(count * step, 4);
  std::vector<const Operand*> left;
  for (std::size_t i = 0; i < count; ++i) left.push_back(&a[i * (rows + offset)]);
  for (std::size_t m = 1; m <= rows; ++m)
    for (std::size_t n = 1; n <= width; ++n)
      for (bool accumulate : {false, true}) {
        std::vector<T> c(rows * width, T{7});
        Tile::run(outer_product<Operand>{left.data(), offset, b.data(), step, count, c.data(), width, m, n,
                                         accumulate});
        bool right_sums = true, untouched = true;
        for (std::size_t r = 0; r < rows; ++r)
          for (std::size_t j = 0; j < width; ++j) {
            if (r >= m || j >= n) {
              untouched = untouched && c[r * width + j] == T{7};
              continue;
            }
            double sum = accumulate ? 7 : 0;
            for (std::size_t i = 0; i < count; ++i) sum += times(left[i][offset + r], b[i * step + j]);
            right_sums = right_sums && close(c[r * width + j], sum, count + 7);
          }
        REQUIRE(right_sums);
        REQUIRE(untouched);
      }
}

}  // namespace

TEST_CASE_TEMPLATE("a tile of a gathered product is the sum over taps and depth, and nothing else is written",
                   T, best_tile<float>, best_tile<double>, best_tile<bfloat16_pair>, eigen_tile<float>,
                   eigen_tile<double>, eigen_tile<bfloat16_pair>) {
  check_gathered<T>(1, 9);
  check_gathered<T>(3, 2);
}

TEST_CASE_TEMPLATE("a tile of an outer product is the sum over gathered rows, and nothing else is written", T,
                   best_tile<float>, best_tile<double>, best_tile<bfloat16_pair>, eigen_tile<float>,
                   eigen_tile<double>, eigen_tile<bfloat16_pair>) {
  check_outer<T>(1);
  check_outer<T>(6);
}

TEST_CASE("a packed panel holds its columns row by row, padded with zeros") {
  const std::size_t width = panel_width<float>(), k = 3, n = width + 2, step = k * width;
  const auto b = random_values<float>(k * n, 5);
  for (bool transposed : {false, true}) {
    std::vector<float> packed(panels<float>(n) * step, 9.0f);
    pack_panels(b.data(), k, n, transposed ? std::size_t{1} : n, transposed ? k : std::size_t{1},
                packed.data(), 0, panels<float>(n), step);
    for (std::size_t row = 0; row < k; ++row)
      for (std::size_t j = 0; j < 2 * width; ++j) {
        const float expected = j >= n ? 0 : transposed ? b[j * k + row] : b[row * n + j];
        CHECK(packed[j / width * step + row * width + j % width] == expected);
      }
  }
}
