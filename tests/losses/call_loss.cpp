#include <doctest/doctest.h>

#include <array>
#include <numeric>
#include <string_view>
#include <tuple>
#include <vector>

// And of loss_batch.hpp, and of the sums of composition.hpp with losses of batches.
#include <pretext/kernels/cpu/cosine_regression.hpp>
#include <pretext/kernels/cpu/elementwise.hpp>
#include <pretext/kernels/cpu/for_each_row.hpp>
#include <pretext/kernels/cpu/gemm.hpp>
#include <pretext/kernels/cpu/nt_xent.hpp>
#include <pretext/losses/call_loss.hpp>
#include <pretext/losses/composition.hpp>
#include <pretext/losses/cosine_regression.hpp>
#include <pretext/losses/negative_cosine.hpp>
#include <pretext/losses/nt_xent.hpp>
#include <pretext/losses/queue_contrast.hpp>

#include "losses/batch_cases.hpp"

namespace elsewhere {

/// A loss of batches that a user wrote: the sum of p times a value that changes from step to step, and of the
/// values that it has seen.
struct scheduled_sum {
  static constexpr bool compares_with_target = false;
  static constexpr std::array<std::string_view, 1> scheduled{"times"};
  double constant = 1;
  friend bool operator==(const scheduled_sum&, const scheduled_sum&) = default;

  template <class Context, pretext::Shape P, pretext::Shape E>
  struct state {
    std::vector<double> sum{0}, next{0};
    void start(Context&, const scheduled_sum&, std::uint64_t seed) { sum[0] = double(seed); }
    template <class Visitor>
    void for_each_buffer(Visitor&& visit) {
      visit(std::string_view{"sum"}, sum.data(), sum.size());
    }
  };
  template <class Context, pretext::Shape P, pretext::Shape E>
  typename Context::loss_value operator()(Context&, const pretext::loss_batch<Context, P, E>& batch,
                                          state<Context, P, E>& memory) const {
    const double times =
        static_cast<pretext::loss_values>(batch.values).value_or(batch.first_value, constant);
    double value = 0;
    for (std::size_t i = 0; i < batch.p.size(); ++i) {
      value += times * static_cast<double>(batch.p.data[i]);
      batch.dp.data[i] += static_cast<typename Context::activation>(times);
    }
    memory.next[0] = memory.sum[0] + times;
    return value;
  }
  template <class Context, pretext::Shape P, pretext::Shape E>
  void commit(Context&, state<Context, P, E>& memory) const {
    memory.sum = memory.next;
  }
};

}  // namespace elsewhere

using namespace pretext;
using namespace pretext::tests;
using doctest::Approx;
using context_type = on<cpu, fp64>;
using sample = shape<5>;

namespace {

/// Two views of two images.
const std::vector<double> rows_of_views = pretext::detail::normal_values(4 * sample::size, 5),
                          targets_of_views = pretext::detail::normal_values(4 * sample::size, 6);

template <class L>
batch_results run_views(const L& loss, const state_values& given = {}) {
  return run_batch<fp64, sample::size>(loss, 2, rows_of_views, targets_of_views, 0, {}, given);
}

}  // namespace

TEST_CASE("losses of batches can be added and weighted, and losses of embeddings or predictions among them") {
  const auto batch = run_views(negative_cosine{}), joint = run_views(nt_xent{}),
             predictive = run_views(cosine_regression{});
  const auto sum = run_views(2.0 * negative_cosine{} + 0.25 * nt_xent{} + cosine_regression{});
  CHECK(sum.value == Approx(2 * batch.value + joint.value / 4 + predictive.value).epsilon(1e-14));
  for (std::size_t i = 0; i < sum.gradient.size(); ++i)
    CHECK(sum.gradient[i] == Approx(2 * batch.gradient[i] + joint.gradient[i] / 4 + predictive.gradient[i])
                                 .epsilon(1e-12)
                                 .scale(1));
  CHECK(sum.state.empty());
}

TEST_CASE("the state of a sum is that of its parts, whose buffers have different names and random numbers") {
  const queue_contrast loss{.capacity = 4, .temperature = .3};
  const auto one = run_views(loss);
  const auto both = run_views(loss + 0.5 * (negative_cosine{} + loss));
  REQUIRE(both.state.size() == 4);
  CHECK(both.state.at("first.queue") == one.state.at("queue"));
  CHECK(both.state.contains("first.queue_position"));
  CHECK(both.state.contains("second.second.queue_position"));
  // With the same queues, the sum is that of its parts.
  const auto queue = pretext::detail::normal_values(4 * sample::size, 7);
  const auto alone = run_views(loss, {{"queue", queue}});
  const auto together = run_views(0.5 * loss + (negative_cosine{} + loss),
                                  {{"first.queue", queue}, {"second.second.queue", queue}});
  const auto other = run_views(negative_cosine{});
  CHECK(together.value == Approx(1.5 * alone.value + other.value).epsilon(1e-14));
  for (std::size_t i = 0; i < together.gradient.size(); ++i)
    CHECK(together.gradient[i] ==
          Approx(1.5 * alone.gradient[i] + other.gradient[i]).epsilon(1e-12).scale(1));
  CHECK(together.state.at("first.queue") == alone.state.at("queue"));
}

TEST_CASE("the parts of a sum have their own scheduled values, in the order of their names") {
  using part = elsewhere::scheduled_sum;
  const auto loss = part{} + 3.0 * (negative_cosine{} + part{7});
  static_assert(decltype(loss)::scheduled == std::array<std::string_view, 2>{"times", "times"});
  static_assert(decltype(negative_cosine{} + negative_cosine{})::scheduled.empty());
  context_type context;
  std::vector<double> dp(rows_of_views.size());
  loss_batch<context_type, sample> batch{.images = 2, .views = 2, .target_views = 2};
  batch.p = {rows_of_views.data(), 4};
  batch.dp = {dp.data(), 4};
  batch.target = {targets_of_views.data(), 4};
  loss_state_of<std::remove_const_t<decltype(loss)>, context_type, sample> state;
  state.start(context, loss, 10);
  const auto before = values_of(state);
  const double cosine = run_views(negative_cosine{}).value;
  const double sum = std::accumulate(rows_of_views.begin(), rows_of_views.end(), 0.);
  for (const auto& [values, first, second] :
       {std::tuple{loss_values{}, 1., 7.}, {loss_values{{2, 5, -1, -1}}, 2., 5.}}) {
    batch.values = values;
    CHECK(loss(context, batch, state) == Approx(first * sum + 3 * (cosine + second * sum)));
    CHECK(values_of(state) == before);
  }
  loss.commit(context, state);
  const auto after = values_of(state);
  CHECK(after.at("first.sum")[0] == before.at("first.sum")[0] + 2);
  CHECK(after.at("second.second.sum")[0] == before.at("second.second.sum")[0] + 5);
}
