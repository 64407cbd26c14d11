// Slow: about 20 s on two free cores at -O2, most of it 2.2 TFLOP of products.
#include <sys/resource.h>

#include <doctest/doctest.h>

#include <cmath>
#include <cstddef>
#include <vector>

#include <pretext/devices/cpu.hpp>
#include <pretext/kernels/cpu/nt_xent.hpp>
#include <pretext/losses/nt_xent.hpp>

using namespace pretext;

namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__OPTIMIZE__)
constexpr std::size_t rows = 1 << 13;  // a build that checks itself is many times slower
#else
constexpr std::size_t rows = 1 << 16;
#endif

double peak_megabytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

}  // namespace

TEST_CASE("65 536 embeddings of 128 values: loss and gradient are exact, within 200 MB besides the input") {
  // Row i is a multiple of the unit vector of class i mod 128: all similarities are 0 or 1, so the loss and
  // every gradient are known.
  using sample = shape<128>;
  constexpr std::size_t width = sample::size, of_class = rows / width;
  std::vector<float> z(rows * width), dz(rows * width, 0.0f);
  const auto length = [](std::size_t row) { return 0.5 + static_cast<double>(row % 7); };
  for (std::size_t row = 0; row < rows; ++row) z[row * width + row % width] = static_cast<float>(length(row));
  const double before = peak_megabytes();

  const nt_xent loss{.temperature = 0.1};
  on<cpu> context{.stream = cpu::stream{2}};
  const double value =
      loss(context, reads<on<cpu>, sample>{z.data(), rows}, writes<on<cpu>, sample>{dz.data(), rows});
  CHECK(peak_megabytes() - before < 200);

  const double total =
      static_cast<double>(of_class - 1) * std::exp(10.0) + static_cast<double>(rows - of_class);
  CHECK(value == doctest::Approx(std::log(total) - 10).epsilon(1e-6));
  const double slope = 2 * static_cast<double>(of_class) / total / (static_cast<double>(rows) * 0.1);
  double worst = 0;
  for (std::size_t row = 0; row < rows; ++row)
    for (std::size_t c = 0; c < width; ++c) {
      const double expected = c == row % width ? 0 : slope / length(row);
      worst = std::max(worst, std::abs(static_cast<double>(dz[row * width + c]) - expected));
    }
  CHECK(worst < 1e-5 * slope);
}
