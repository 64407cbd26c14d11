#include <doctest/doctest.h>

#include <utility>

#include <pretext/cpu.hpp>
#include <pretext/losses/composition.hpp>
#include <pretext/training/detail/graph_key.hpp>

#include "support/thin_trunk.hpp"

using namespace pretext;

namespace {

using images = shape<8, 8, 3>;
using summed = decltype(2.0 * nt_xent{} + 0.5 * nt_xent{});
using method = joint_embedding<images, encoder<tests::thin_trunk<basic_block, 4>>,
                               projector<simclr_head<9, 6>>, loss<summed>>;
using optimizer = layer_decay<any_optimizer<sgd, lars, adamw>>;
using learner = trainer<method, on<cpu>, optimizer>;
using labelled = classification<images, encoder<vit<4, 12, 1, 2>>, classifier<linear_classifier<4>>>;

template <class Trainer>
auto seen(Trainer& trainer, std::size_t batch = 4) {
  return detail::graph_key<Trainer>{trainer, batch};
}

}  // namespace

TEST_CASE("what the host passes to a step by value is seen when it changes") {
  learner t{{}, {.optimizer = {lars{}}}};
  const auto before = seen(t);
  CHECK(before == seen(t));
  CHECK(before != seen(t, 8));
  const auto differs_after = [&](auto& value, auto to) {
    const auto kept = std::exchange(value, to);
    CHECK(before != seen(t));
    value = kept;
    CHECK(before == seen(t));
  };
  differs_after(t.context().drop_path, 0.1);
  differs_after(t.optimizer().decay, 0.5);
  differs_after(std::get<lars>(t.optimizer().optimizer.selected).weight_decay, 1e-3);
  differs_after(t.method().loss, 2.0 * nt_xent{.temperature = 0.7f} + 0.5 * nt_xent{});
}

TEST_CASE("memory that lies elsewhere is seen, a step that repeats itself is not") {
  learner t{{}, {.optimizer = {lars{}}}};
  tensor<float, images, cpu> views{8};
  t.step(views.view(), 0);
  t.step(views.view(), 0);
  const auto before = seen(t);
  t.step(views.view(), 0);
  CHECK(before == seen(t));
  t.context().workspace.allocate<char>((std::size_t{1} << 30) + 1);  // more than the arena has
  CHECK(before != seen(t));

  trainer<labelled, on<cpu>, sgd> c;
  const auto without_goals = seen(c);
  c.memory().soft_targets.resize(4);
  CHECK(without_goals != seen(c));
}
