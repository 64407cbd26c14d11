// Tests of convolution.hpp, and of pooling.hpp, which is too small for a program of its own.
#include <pretext/layers/convolution.hpp>
#include <pretext/layers/pooling.hpp>

#include "support/gradient_check.hpp"

using namespace pretext;
using tests::gradients_match_finite_differences;
using image = shape<7, 6, 5>;

static_assert(Layer<convolution<8, 3>, image, on<cpu>>);
static_assert(Layer<max_pool<3, 2, 1>, image, on<cpu>>);
static_assert(!Accepts<convolution<8, 5, 1, 0>, shape<4, 4, 3>>,
              "a kernel larger than its image is no layer");
static_assert(std::same_as<output_of<convolution<8, 3, 2>, image>, shape<4, 3, 8>>);
static_assert(std::same_as<output_of<max_pool<3, 2, 1>, image>, shape<4, 3, 5>>);

TEST_CASE(
    "every gradient of a convolution matches finite differences, whatever its kernel, stride and padding") {
  gradients_match_finite_differences<convolution<6, 3>, image>(3);
  gradients_match_finite_differences<convolution<17, 3, 2>, image>(3);
  gradients_match_finite_differences<convolution<6, 1, 2, 0>, image>(3);
  gradients_match_finite_differences<convolution<6, 1>, image>(3);
  gradients_match_finite_differences<convolution<4, 5, 3, 1, bias::yes>, image>(2);
  gradients_match_finite_differences<convolution<8, 7, 2, 3>, shape<11, 9, 3>>(2);
  gradients_match_finite_differences<convolution<3, 2, 1, 0>, image>(2);
}

TEST_CASE("every gradient of the pooling layers matches finite differences") {
  gradients_match_finite_differences<global_average_pool, image>(3);
  gradients_match_finite_differences<max_pool<3, 2, 1>, image>(3);
  gradients_match_finite_differences<max_pool<2>, shape<6, 4, 3>>(3);
}
