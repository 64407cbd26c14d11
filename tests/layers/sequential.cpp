// Tests of sequential.hpp with its gradient buffers, and of heads/projection.hpp, whose heads are
// sequentials.
#include <pretext/encoders/resnet.hpp>
#include <pretext/heads/concepts.hpp>
#include <pretext/heads/projection.hpp>
#include <pretext/layers/residual.hpp>

#include "support/gradient_check.hpp"

using namespace pretext;
using tests::gradients_match_finite_differences;
using image = shape<7, 6, 5>;

static_assert(Layer<sequential<linear<8>, relu>, shape<12>, on<cpu>>);
static_assert(Head<simclr_head<6, 5>, shape<8>> && Head<byol_head<6, 5>, shape<8>> &&
              !Head<simclr_head<6, 5>, image>);

TEST_CASE("unnamed layers are called by their index, named ones by their name") {
  using network = sequential<linear<2>, named<"b", linear<2>>, relu, relu, relu, relu, relu, relu, relu, relu,
                             linear<2>, named<"", linear<2>>>;
  constexpr auto table = parameters_of<network, shape<2>>;
  const char* const names[] = {"0.weight",  "0.bias",  "b.weight", "b.bias",
                               "10.weight", "10.bias", "weight",   "bias"};
  REQUIRE(table.size() == std::size(names));
  for (std::size_t i = 0; i < table.size(); ++i) CHECK(table[i].name() == names[i]);
}

TEST_CASE("layers that may overwrite their gradient share its buffer, and no others do") {
  using plan = detail::gradient_buffer_plan<5>;
  const plan plain{{1, 2, 3, 4, 5}, {}};
  CHECK(plain.of == std::array{plan::callers, plan::first, plan::second, plan::first, plan::second});
  CHECK(plain.size == std::array<std::size_t, 3>{0, 4, 5});
  CHECK(plain.last_second == 1);
  const plan mixed{{9, 9, 9, 4, 5}, {true, false, true, false, true}};
  CHECK(mixed.of == std::array{plan::callers, plan::callers, plan::first, plan::first, plan::second});
  CHECK(mixed.size == std::array<std::size_t, 3>{9, 9, 5});
  CHECK(mixed.last_second == 3);

  using same = basic_block<5, 1, initial_scale::one>;
  using wider = basic_block<6, 2, initial_scale::one>;
  static_assert(detail::dx_may_alias_dy<same, image> && !detail::dx_may_alias_dy<wider, image>);
  static_assert(detail::dx_may_alias_dy<sequential<same, same>, image>);
  static_assert(!detail::dx_may_alias_dy<sequential<same, wider>, image> &&
                !detail::dx_may_alias_dy<sequential<>, image>);
  gradients_match_finite_differences<sequential<same, same, same>, image>(4);
  gradients_match_finite_differences<sequential<sequential<same, same>, wider, relu>, image>(4);
  gradients_match_finite_differences<
      sequential<relu, same, wider, basic_block<6, 1, initial_scale::one>, relu>, image>(4);
}

TEST_CASE("every gradient of composed layers and of projection heads matches finite differences") {
  gradients_match_finite_differences<
      sequential<linear<7>, batch_norm<>, relu, residual<linear<7>>, linear<3>>, shape<4>>(6);
  gradients_match_finite_differences<sequential<linear<7>>, shape<4>>(2);
  gradients_match_finite_differences<simclr_head<6, 5>, shape<8>>(7);
  gradients_match_finite_differences<simclr_v2_head<6, 5>, shape<8>>(7, 1e-6, 1);
}
