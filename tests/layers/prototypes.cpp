// Tests of prototypes.hpp and of begin_step.hpp, which prototypes use.
#include <pretext/layers/prototypes.hpp>

#include "support/gradient_check.hpp"

#include <cmath>

#include <pretext/kernels/cpu/for_each_row.hpp>
#include <pretext/layers/relu.hpp>
#include <pretext/layers/residual.hpp>
#include <pretext/layers/sequential.hpp>

using namespace pretext;

namespace {

using context_type = on<cpu, fp64>;

double length(const std::vector<double>& w, std::size_t at, std::size_t columns) {
  double squares = 0;
  for (std::size_t c = 0; c < columns; ++c) squares += w[at + c] * w[at + c];
  return std::sqrt(squares);
}

}  // namespace

static_assert(Layer<prototypes<8>, shape<12>, on<cpu>>);
static_assert(parameters_of<named<"prototypes", prototypes<8>>, shape<12>>[0].name() == "weight");

TEST_CASE("every gradient of prototypes matches finite differences: it is not projected") {
  tests::gradients_match_finite_differences<prototypes<9>, shape<11>>(6);
}

TEST_CASE("the start of a step sets prototypes to unit length and leaves other layers alone") {
  // Prototypes in a network in a network, behind and in front of other layers.
  using body = sequential<linear<6>, prototypes<6>>;
  using net = sequential<linear<6>, named<"1", sequential<relu, named<"scores", prototypes<4>>>>,
                         at_depth<3, linear<6>>, residual<body>>;
  const auto& table = parameters_of<net, shape<5>>;
  const auto before = tests::plausible_weights<net, shape<5>>(1);
  auto w = before;
  context_type context{.stream = cpu::stream{2}};
  begin_step<net, shape<5>>(context, w.data());
  std::size_t normalised = 0;
  for (const parameter& p : table) {
    CAPTURE(p.name());
    const bool is_prototypes = p.name() == "1.scores.weight" || p.name() == "3.1.weight";
    for (std::size_t row = 0; is_prototypes && row < p.extents[0]; ++row, ++normalised)
      CHECK(length(w, p.offset + row * p.extents[1], p.extents[1]) == doctest::Approx(1).epsilon(1e-14));
    for (std::size_t i = p.offset; !is_prototypes && i < p.offset + p.size(); ++i) CHECK(w[i] == before[i]);
  }
  CHECK(normalised == 4 + 6);
}

TEST_CASE("inference and training multiply by prototypes of whatever length they have") {
  std::vector<double> w{3, 4}, y(1);
  const std::vector<double> x{1, 1};
  context_type context;
  prototypes<1>::infer(context, weights<context_type>{w.data(), nullptr},
                       reads<context_type, shape<2>>{x.data(), 1},
                       writes<context_type, shape<1>>{y.data(), 1});
  CHECK(y[0] == 7);
}
