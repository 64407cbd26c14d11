// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cstddef>

#include <pretext/runtime/collapse_watch.hpp>

using namespace pretext;

namespace {

constexpr std::size_t all_steps = 60;

collapse_report alike(double spread, double rank = 1.5) {
  collapse_report report;
  report.std = spread;
  report.effective_rank = rank;
  report.collapsed = true;
  return report;
}

run_state at(std::size_t step) {
  run_state state;
  state.step = step;
  return state;
}

run_state at(std::size_t step, const collapse_report& after_first_step) {
  run_state state = at(step);
  state.measured_start = true;
  state.first_spread = after_first_step.std;
  state.first_rank = after_first_step.effective_rank;
  return state;
}

}  // namespace

TEST_CASE("embeddings that collapse after the first tenth end a run") {
  CHECK_FALSE(detail::ends_run(alike(.01), at(5), all_steps));
  CHECK(detail::ends_run(alike(.01), at(6), all_steps));
  CHECK_FALSE(detail::ends_run(collapse_report{}, at(30), all_steps));
}

TEST_CASE("embeddings that were alike before training get half of the run to differ") {
  CHECK_FALSE(detail::ends_run(alike(.01), at(6, alike(.01)), all_steps));
  CHECK_FALSE(detail::ends_run(alike(.006), at(29, alike(.01)), all_steps));
  CHECK(detail::ends_run(alike(.01), at(30, alike(.01)), all_steps));
}

TEST_CASE("embeddings that become more than twice as alike as after the first step end a run") {
  CHECK(detail::ends_run(alike(.004), at(6, alike(.01)), all_steps));
  CHECK(detail::ends_run(alike(.01, 1.2), at(6, alike(.01, 3)), all_steps));
  CHECK(detail::ends_run(alike(0), at(6, alike(0)), all_steps));
}

TEST_CASE("embeddings that are NaN end a run at once") {
  collapse_report report;
  report.collapsed = true;
  report.not_finite = 1;
  CHECK(detail::ends_run(report, at(1), all_steps));
  CHECK(detail::ends_run(report, at(1, alike(.01)), all_steps));
}

TEST_CASE("a loss is at chance if it is there in the second half, after 200 steps, and of eight images") {
  const auto with_loss = [](std::size_t step, double loss) {
    run_state state = at(step);
    state.loss = loss;
    return state;
  };
  const double chance = 7.62;
  CHECK(detail::is_at_chance(with_loss(300, 7.621), 600, 8, chance));
  CHECK(detail::is_at_chance(with_loss(200, 7.62), 300, 64, chance));
  CHECK_FALSE(detail::is_at_chance(with_loss(300, 7.60), 600, 8, chance));
  CHECK_FALSE(detail::is_at_chance(with_loss(300, 7.64), 600, 8, chance));
  CHECK_FALSE(detail::is_at_chance(with_loss(299, 7.62), 600, 8, chance));
  CHECK_FALSE(detail::is_at_chance(with_loss(199, 7.62), 300, 8, chance));
  CHECK_FALSE(detail::is_at_chance(with_loss(300, 7.62), 600, 7, chance));
  CHECK_FALSE(detail::is_at_chance(with_loss(300, 0), 600, 8, 0));
}

TEST_CASE("a checkpoint keeps what the embeddings of the first step looked like") {
  const auto read = [](const run_state& state) { return run_state_from(metadata_of(state), "a file"); };
  const run_state state = read(at(7, alike(.0123456789, 1.75)));
  CHECK(state.measured_start);
  CHECK(state.first_spread == .0123456789);
  CHECK(state.first_rank == 1.75);
  CHECK_FALSE(read(at(7)).measured_start);
}
