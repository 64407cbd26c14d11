#include <pretext/encoders/vit.hpp>

#include "support/gradient_check.hpp"
#include "support/same_bits.hpp"

using namespace pretext;

namespace {

struct learned_start : mae_pretraining {
  static constexpr positions position = positions::learned;
};
using learned = positioned_tokens<2, 3, learned_start>;
using fixed = positioned_tokens<2, 3, mae_pretraining>;
using grid = shape<6, 8>;

}  // namespace

static_assert(Layer<learned, grid, on<cpu>>);
static_assert(std::same_as<output_of<learned, grid>, shape<7, 8>>);
static_assert(std::same_as<output_of<learned, shape<2, 8>>, shape<3, 8>>, "chosen places");
static_assert(!Accepts<learned, shape<7, 8>>, "no more tokens than patches");
static_assert(weight_count<learned, grid> == weight_count<learned, shape<2, 8>>);

TEST_CASE(
    "every gradient of class token and positions matches finite differences; a constant table has none") {
  tests::gradients_match_finite_differences<learned, grid>(3);
  tests::gradients_match_finite_differences<fixed, grid>(3);
  on<cpu, fp64> context;
  using Context = on<cpu, fp64>;
  std::vector<double> w(8 + 7 * 8, 1.0), dw(w.size()), dy(7 * 8, 1.0), x(6 * 8), y(7 * 8);
  cache_of<fixed, grid, Context> cache;
  fixed::forward(context, weights<Context>{w.data(), nullptr}, reads<Context, grid>{x.data(), 1},
                 writes<Context, shape<7, 8>>{y.data(), 1}, cache);
  fixed::backward(context, weights<Context>{w.data(), dw.data()}, cache,
                  reads<Context, shape<7, 8>>{dy.data(), 1}, writes<Context, grid>{nullptr, 1});
  for (std::size_t i = 0; i < dw.size(); ++i) CHECK(dw[i] == (i < 8 ? 1 : 0));
}

TEST_CASE("selected tokens get the positions of their patches, and their gradients are added there") {
  using some = shape<2, 8>;
  using Context = on<cpu, fp64>;
  Context context;
  const std::uint32_t ids[] = {5, 0, 3, 2, 1, 4};
  const auto w = tests::normal_numbers(8 + 7 * 8, 1), x = tests::normal_numbers(2 * 16, 2),
             dy = tests::normal_numbers(2 * 24, 3);
  std::vector<double> value = w, dw(w.size()), y(2 * 24), dx(2 * 16);
  cache_of<learned, some, Context> cache;
  const kernels::index_list chosen{2, ids, 3};
  learned::forward(context, weights<Context>{value.data(), nullptr}, reads<Context, some>{x.data(), 2},
                   writes<Context, shape<3, 8>>{y.data(), 2}, cache, chosen);
  learned::backward(context, weights<Context>{value.data(), dw.data()}, cache,
                    reads<Context, shape<3, 8>>{dy.data(), 2}, writes<Context, some>{dx.data(), 2});
  for (std::size_t c = 0; c < 8; ++c) {
    const auto position = [&](std::size_t place_of_grid) { return w[8 + (1 + place_of_grid) * 8 + c]; };
    CHECK(y[c] == w[c] + w[8 + c]);
    CHECK(y[8 + c] == x[c] + position(5));
    CHECK(y[16 + c] == x[8 + c] + position(0));
    CHECK(y[24 + 8 + c] == x[16 + c] + position(2));
    CHECK(dw[c] == dy[c] + dy[24 + c]);
    CHECK(dw[8 + (1 + 5) * 8 + c] == dy[8 + c]);
    CHECK(dw[8 + (1 + 1) * 8 + c] == dy[24 + 16 + c]);
    CHECK(dw[8 + (1 + 4) * 8 + c] == 0);
    CHECK(dx[16 + c] == dy[24 + 8 + c]);
  }
}
