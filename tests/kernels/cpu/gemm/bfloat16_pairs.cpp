#include <doctest/doctest.h>

#include <bit>
#include <limits>

#include <pretext/kernels/cpu/gemm/pack_pairs.hpp>

#include "kernels/cpu/convolutions.hpp"

using namespace pretext;
using namespace pretext::tests;
using namespace pretext::kernels;

namespace {

constexpr bfloat16_pair untouched{0xabcd1234u};

/// Values of all magnitudes, and special cases of rounding.
std::vector<float> of_all_magnitudes(std::size_t count) {
  auto result = random_values<float>(count, 1);
  for (std::size_t i = 0; i < count; ++i)
    result[i] = std::ldexp(result[i], static_cast<int>(i * 7 % 200) - 100);
  const float special[] = {0.0f,
                           -0.0f,
                           std::numeric_limits<float>::infinity(),
                           std::numeric_limits<float>::max(),
                           std::bit_cast<float>(0x3f808000u),
                           std::bit_cast<float>(0x3f818000u)};
  for (std::size_t i = 0; i < std::size(special) && 3 * i < count; ++i) result[3 * i] = special[i];
  return result;
}

/// x[first], x[second] rounded; a missing second is zero.
std::uint32_t pair(const std::vector<float>& x, std::size_t first, std::size_t second, bool there) {
  return kernels::detail::pair_of(x[first], there ? x[second] : 0).bits;
}

}  // namespace

TEST_CASE("rows of any length are rounded to pairs along each, and nothing else is written") {
  for (std::size_t count : {1u, 2u, 15u, 16u, 17u, 31u, 32u, 33u, 63u, 64u, 95u, 100u})
    for (std::size_t rows : {1u, 3u}) {
      const std::size_t step = count + 3, pairs = (count + 1) / 2, to_step = pairs + 2;
      const auto x = of_all_magnitudes(rows * step);
      std::vector<bfloat16_pair> result(rows * to_step, untouched);
      kernels::detail::round_rows(x.data(), rows, step, count, result.data(), to_step);
      bool same = true;
      for (std::size_t row = 0; row < rows; ++row)
        for (std::size_t i = 0; i < to_step; ++i) {
          const std::size_t at = row * step + 2 * i;
          same = same && result[row * to_step + i].bits ==
                             (i < pairs ? pair(x, at, at + 1, 2 * i + 1 < count) : untouched.bits);
        }
      CHECK(same);
    }
}

TEST_CASE("rows are rounded to pairs of two rows each, in strips, from any column on") {
  for (std::size_t width : {tile_rows(), panel_width<bfloat16_pair>()})
    for (std::size_t count : {1u, 2u, 5u, 64u})
      for (std::size_t columns : {1u, 11u, 12u, 16u, 40u, 70u})
        for (std::size_t first : {0u, 1u, 11u, 33u}) {
          const std::size_t lines = (count + 1) / 2, strips = (first + columns) / width + 1;
          const std::size_t strip_step = lines * width + 5, step = columns + 1;
          const auto x = of_all_magnitudes(count * step);
          std::vector<const float*> rows;
          for (std::size_t i = 0; i < count; ++i) rows.push_back(&x[i * step]);
          std::vector<bfloat16_pair> result(strips * strip_step, untouched), expected = result;
          for (std::size_t line = 0; line < lines; ++line)
            for (std::size_t c = 0; c < columns; ++c)
              expected[(first + c) / width * strip_step + line * width + (first + c) % width].bits =
                  pair(x, 2 * line * step + c, (2 * line + 1) * step + c, 2 * line + 1 < count);
          kernels::detail::round_down_rows(rows.data(), count, columns, first, width, result.data(),
                                           strip_step);
          bool same = true;
          for (std::size_t i = 0; i < result.size(); ++i) same = same && result[i].bits == expected[i].bits;
          CHECK(same);
        }
}

TEST_CASE("a packed panel holds pairs down its columns, padded with zeros") {
  const std::size_t width = panel_width<bfloat16_pair>();
  for (std::size_t k : {1u, 2u, 63u, 64u, 131u})
    for (std::size_t n : {std::size_t{1}, width, width + 2, 3 * width - 1})
      for (bool transposed : {false, true}) {
        const auto b = random_values<float>(k * n, 5);
        const std::size_t lines = (k + 1) / 2, step = lines * width;
        std::vector<bfloat16_pair> packed(panels<bfloat16_pair>(n) * step, untouched);
        for (std::size_t panel = 0; panel < panels<bfloat16_pair>(n); ++panel)
          pack_panels(b.data(), k, n, transposed ? std::size_t{1} : n, transposed ? k : std::size_t{1},
                      packed.data(), panel, panel + 1, step);
        const auto at = [&](std::size_t row, std::size_t j) {
          return transposed ? j * k + row : row * n + j;
        };
        bool same = true;
        for (std::size_t line = 0; line < lines; ++line)
          for (std::size_t j = 0; j < panels<bfloat16_pair>(n) * width; ++j)
            same = same && packed[j / width * step + line * width + j % width].bits ==
                               (j < n ? pair(b, at(2 * line, j), at(2 * line + 1, j), 2 * line + 1 < k) : 0u);
        CHECK(same);
      }
}
