#include <doctest/doctest.h>

#include <numeric>
#include <vector>

#include <pretext/core/context.hpp>
#include <pretext/kernels/cpu/masking.hpp>
#include <pretext/kernels/cpu/shuffled_tokens.hpp>

#include "support/gradient_check.hpp"

using namespace pretext;

namespace {

constexpr kernels::token_extents extents{1, 12, 5};
constexpr std::size_t batch = 10, visible_count = 4, masked_count = extents.patches - visible_count;

/// Shuffled patches of some samples, and tokens of the visible ones.
struct shuffled {
  on<cpu, fp64> context{.stream = cpu::stream{2}};
  std::vector<std::uint32_t> order = std::vector<std::uint32_t>(batch * extents.patches), restore = order;
  std::vector<double> x = tests::normal_numbers(batch * (1 + visible_count) * extents.width, 1);
  std::vector<double> token = tests::normal_numbers(extents.width, 2);
  std::vector<double> positions = tests::normal_numbers(extents.tokens() * extents.width, 3);
  std::vector<double> all = std::vector<double>(batch * extents.tokens() * extents.width, 1e30);

  shuffled() {
    const auto noise = tests::normal_numbers(order.size(), 4);
    kernels::order_by_noise<cpu>::run(context, batch, extents.patches, noise.data(), order.data(),
                                      restore.data());
  }
  kernels::index_list patches(std::size_t first, std::size_t count) const {
    return {count, order.data() + first, extents.patches};
  }
  void scatter(const double* at) {
    kernels::scatter_tokens<cpu>::forward(context, extents, batch, visible_count, patches(0, extents.patches),
                                          x.data(), token.data(), at, all.data());
  }
  std::vector<double> gather(kernels::index_list chosen) {
    std::vector<double> y(batch * chosen.count * extents.width, 1e30);
    kernels::gather_tokens<cpu>::forward(context, extents, batch, chosen,
                                         static_cast<const double*>(all.data()), y.data());
    return y;
  }
};

}  // namespace

TEST_CASE(
    "gathering the visible tokens after scattering them is the identity; all others are the mask token") {
  shuffled s;
  s.scatter(nullptr);
  const auto visible = s.gather(s.patches(0, visible_count)),
             others = s.gather(s.patches(visible_count, masked_count));
  for (std::size_t n = 0; n < batch; ++n)
    for (std::size_t c = 0; c < extents.width; ++c) {
      CHECK(s.all[n * extents.tokens() * extents.width + c] ==
            s.x[n * (1 + visible_count) * extents.width + c]);
      for (std::size_t j = 0; j < visible_count; ++j)
        CHECK(visible[(n * visible_count + j) * extents.width + c] ==
              s.x[(n * (1 + visible_count) + 1 + j) * extents.width + c]);
      for (std::size_t j = 0; j < masked_count; ++j)
        CHECK(others[(n * masked_count + j) * extents.width + c] == s.token[c]);
    }
}

TEST_CASE("every patch gets its own position embedding, whatever the order") {
  shuffled s;
  s.scatter(nullptr);
  const auto without = s.all;
  s.scatter(s.positions.data());
  for (std::size_t i = 0; i < s.all.size(); ++i)
    CHECK(s.all[i] == without[i] + s.positions[i % s.positions.size()]);
}

TEST_CASE("backward is the adjoint of forward") {
  shuffled s;
  const auto functional = tests::normal_numbers(s.all.size(), 5);
  std::vector<double> dx(s.x.size(), 1e30), dtoken(extents.width, 0.25);
  kernels::scatter_tokens<cpu>::backward(s.context, extents, batch, visible_count,
                                         s.patches(0, extents.patches), functional.data(), dx.data(),
                                         dtoken.data());
  s.scatter(nullptr);
  const double forward_value = std::inner_product(s.all.begin(), s.all.end(), functional.begin(), 0.0);
  for (double& d : dtoken) d -= 0.25;  // it is added to
  const double backward_value = std::inner_product(s.x.begin(), s.x.end(), dx.begin(), 0.0) +
                                std::inner_product(s.token.begin(), s.token.end(), dtoken.begin(), 0.0);
  CHECK(forward_value == doctest::Approx(backward_value).epsilon(1e-12));

  const auto chosen = s.patches(visible_count, masked_count);
  const auto y = s.gather(chosen);
  std::vector<double> dall(s.all.size(), 1e30);
  kernels::gather_tokens<cpu>::backward(s.context, extents, batch, chosen, functional.data(), dall.data());
  CHECK(std::inner_product(y.begin(), y.end(), functional.begin(), 0.0) ==
        doctest::Approx(std::inner_product(s.all.begin(), s.all.end(), dall.begin(), 0.0)).epsilon(1e-12));
}
