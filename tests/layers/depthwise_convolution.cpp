#include <pretext/layers/depthwise_convolution.hpp>

#include "support/gradient_check.hpp"
#include "support/same_bits.hpp"

using namespace pretext;

static_assert(Layer<depthwise_convolution<3>, shape<5, 6, 4>, on<cpu>>);
static_assert(std::same_as<output_of<depthwise_convolution<7>, shape<14, 9, 24>>, shape<14, 9, 24>>);
static_assert(std::same_as<output_of<depthwise_convolution<5, 2>, shape<14, 9, 24>>, shape<7, 5, 24>>);
static_assert(!Accepts<depthwise_convolution<7, 1, 0>, shape<6, 9, 24>>, "the kernel fits the image");
static_assert(macs<depthwise_convolution<3>, shape<4, 4, 8>> == 4 * 4 * 8 * 9);

namespace {

/// Every result as a sum over the taps within the image.
template <std::size_t Kernel, std::size_t Stride, std::size_t Padding, class In>
void is_a_sum_over_taps() {
  using layer = depthwise_convolution<Kernel, Stride, Padding>;
  using Out = output_of<layer, In>;
  using Context = on<cpu, fp64>;
  constexpr std::size_t batch = 2, C = channels_of<In>;
  constexpr auto height = static_cast<std::ptrdiff_t>(In::extents[0]),
                 width = static_cast<std::ptrdiff_t>(In::extents[1]);
  Context context{.stream = cpu::stream{2}};
  auto w = tests::normal_numbers(weight_count<layer, In>, 1);
  const auto x = tests::normal_numbers(batch * In::size, 2);
  std::vector<double> y(batch * Out::size);
  layer::infer(context, weights<Context>{w.data(), nullptr}, reads<Context, In>{x.data(), batch},
               writes<Context, Out>{y.data(), batch});
  std::size_t at = 0;
  for (std::size_t n = 0; n < batch; ++n)
    for (std::size_t a = 0; a < Out::extents[0]; ++a)
      for (std::size_t b = 0; b < Out::extents[1]; ++b)
        for (std::size_t c = 0; c < C; ++c, ++at) {
          double sum = w[Kernel * Kernel * C + c];
          for (std::size_t i = 0; i < Kernel; ++i)
            for (std::size_t j = 0; j < Kernel; ++j) {
              const auto row = static_cast<std::ptrdiff_t>(a * Stride + i) - std::ptrdiff_t{Padding},
                         column = static_cast<std::ptrdiff_t>(b * Stride + j) - std::ptrdiff_t{Padding};
              if (row < 0 || column < 0 || row >= height || column >= width) continue;
              const auto pixel = (static_cast<std::ptrdiff_t>(n) * height + row) * width + column;
              sum += x[static_cast<std::size_t>(pixel) * C + c] * w[(i * Kernel + j) * C + c];
            }
          REQUIRE(y[at] == doctest::Approx(sum).epsilon(1e-12).scale(1));
        }
}

}  // namespace

TEST_CASE("a depthwise convolution is a sum over the taps within the image, for every kernel and stride") {
  is_a_sum_over_taps<3, 1, 1, shape<7, 11, 20>>();
  is_a_sum_over_taps<3, 2, 1, shape<8, 13, 33>>();
  is_a_sum_over_taps<5, 1, 2, shape<3, 2, 5>>();  // no result has all its taps within the image
  is_a_sum_over_taps<5, 2, 2, shape<6, 19, 16>>();
  is_a_sum_over_taps<7, 1, 3, shape<9, 17, 40>>();
  is_a_sum_over_taps<7, 1, 0, shape<7, 12, 3>>();
  is_a_sum_over_taps<7, 3, 2, shape<16, 23, 17>>();
}

TEST_CASE("every gradient of a depthwise convolution matches finite differences") {
  using tests::gradients_match_finite_differences;
  gradients_match_finite_differences<depthwise_convolution<3, 1, 1, bias::no>, shape<4, 9, 18>>(2);
  gradients_match_finite_differences<depthwise_convolution<3, 2>, shape<7, 5, 3>>(3);
  gradients_match_finite_differences<depthwise_convolution<5, 2>, shape<6, 13, 17>>(2);
  gradients_match_finite_differences<depthwise_convolution<7>, shape<6, 11, 16>>(2);
  gradients_match_finite_differences<depthwise_convolution<7, 1, 1>, shape<6, 7, 2>>(2);
}

TEST_CASE("a depthwise convolution computes the same bits with 1, 2 and 3 threads") {
  tests::same_bits_for_any_threads<depthwise_convolution<7>, shape<13, 11, 20>>(9);
  tests::same_bits_for_any_threads<depthwise_convolution<3, 2>, shape<13, 11, 20>>(9);
}
