#include <pretext/layers/squeeze_excitation.hpp>

#include "support/gradient_check.hpp"

using namespace pretext;

static_assert(Layer<squeeze_excitation<5>, shape<4, 3, 9>, on<cpu>>);

TEST_CASE("every gradient of squeeze-and-excitation matches finite differences") {
  tests::gradients_match_finite_differences<squeeze_excitation<5>, shape<4, 3, 9>>(3);
}
