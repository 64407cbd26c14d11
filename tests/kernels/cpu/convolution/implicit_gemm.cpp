#include <doctest/doctest.h>

#include <pretext/kernels/cpu/convolution/implicit_gemm.hpp>

using namespace pretext::kernels::detail;

TEST_CASE("a block of pixels reads all rows that its taps need, and no more than it has memory for") {
  const std::size_t batch = 5;
  for (std::size_t size : {1u, 2u, 4u, 7u, 12u})
    for (std::size_t step : {1u, 2u, 3u})
      for (std::ptrdiff_t highest : {-2, -1, 0})
        for (std::ptrdiff_t lowest : {0, 1, 3})
          for (std::size_t height : {(size + step - 1) / step, size / step, size / step + 1})
            for (std::size_t length : {1u, 5u, 96u}) {
              if (height == 0) continue;
              implicit_gemm<float> g{};
              g.from_height = size;
              g.height = height;
              g.width = 3;
              g.step = step;
              const std::size_t pixels = batch * g.height * g.width;
              for (std::size_t begin = 0; begin < pixels; begin += length) {
                const std::size_t end = std::min(pixels, begin + length);
                const rows_read read{g, highest, lowest, begin, end};
                REQUIRE(read.last - read.first <= rows_read::max_count(g, highest, lowest, length));
                for (std::size_t pixel = begin; pixel < end; ++pixel)
                  for (std::ptrdiff_t down = highest; down <= lowest; ++down) {
                    const std::size_t sample = pixel / 3 / height;
                    const std::ptrdiff_t row = static_cast<std::ptrdiff_t>(pixel / 3 % height * step) + down;
                    if (row < 0 || row >= static_cast<std::ptrdiff_t>(size)) continue;
                    const std::size_t at = sample * size + static_cast<std::size_t>(row);
                    REQUIRE(at >= read.first);
                    REQUIRE(at < read.last);
                  }
              }
            }
}
