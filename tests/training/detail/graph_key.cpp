#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

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
auto seen(Trainer& trainer, std::size_t batch = 4, double drop_path = 0) {
  return detail::graph_key<Trainer>{trainer, batch, drop_path};
}

}  // namespace

TEST_CASE("a graph key sees every value that the host passes to a step") {
  learner t{{}, {.optimizer = {lars{}}}};
  const auto before = seen(t);
  CHECK(before == seen(t));
  CHECK(before != seen(t, 8));
  CHECK(before != seen(t, 4, 0.1));
  const auto differs_after = [&](auto& value, auto to) {
    const auto kept = std::exchange(value, to);
    CHECK(before != seen(t));
    value = kept;
    CHECK(before == seen(t));
  };
  differs_after(t.optimizer().decay, 0.5);
  differs_after(std::get<lars>(t.optimizer().optimizer.selected).weight_decay, 1e-3);
  differs_after(t.context().recomputes_activations, false);
  differs_after(t.method().loss, 2.0 * nt_xent{.temperature = 0.7f} + 0.5 * nt_xent{});
}

TEST_CASE("a graph key sees memory at another address and is equal for repeated steps") {
  learner t{{}, {.optimizer = {lars{}}}};
  tensor<float, images, cpu> views{8};
  t.step(views.view(), {});
  t.step(views.view(), {});
  const auto before = seen(t);
  t.step(views.view(), {});
  CHECK(before == seen(t));
  t.context().workspace.allocate<char>((std::size_t{1} << 30) + 1);  // more than the arena has
  CHECK(before != seen(t));

  trainer<labelled, on<cpu>, sgd> c;
  const auto without_soft_targets = seen(c);
  c.memory().soft_targets.resize(4);
  CHECK(without_soft_targets != seen(c));
}

namespace {

/// A loss whose hyper-parameters are not plain bytes.
struct scheduled_loss {
  std::vector<double> temperatures{0.5};
  std::string name = "scheduled";

  friend bool operator==(const scheduled_loss&, const scheduled_loss&) = default;

  template <class Context, Shape S>
  typename Context::loss_value operator()(Context& context, reads<Context, S> z,
                                          writes<Context, S> dz) const {
    return nt_xent{.temperature = temperatures.front()}(context, z, dz);
  }
};

/// An optimizer with a value behind a pointer that it compares by value.
struct shared_sgd : sgd {
  std::shared_ptr<double> scale = std::make_shared<double>(1);

  friend bool operator==(const shared_sgd& a, const shared_sgd& b) {
    return static_cast<const sgd&>(a) == b && (a.scale == b.scale || *a.scale == *b.scale);
  }
};

/// A loss without operator==: its bytes are compared.
struct plain_loss : nt_xent {
  double margin = 0.1;
  bool operator==(const plain_loss&) const = delete;
};

template <class Loss, class Optimizer>
using with = trainer<joint_embedding<images, encoder<tests::thin_trunk<basic_block, 4>>,
                                     projector<simclr_head<9, 6>>, loss<Loss>>,
                     on<cpu>, Optimizer>;

}  // namespace

TEST_CASE("changed hyper-parameters are seen in types with operator== and in the bytes of others") {
  with<scheduled_loss, shared_sgd> t;
  const auto before = seen(t);
  CHECK(before == seen(t));
  t.method().loss.temperatures[0] = 0.2;
  CHECK(before != seen(t));
  t.method().loss.temperatures[0] = 0.5;
  CHECK(before == seen(t));
  t.optimizer().scale = std::make_shared<double>(2);
  CHECK(before != seen(t));

  static_assert(!std::equality_comparable<with<plain_loss, sgd>::method_type>);
  with<plain_loss, sgd> p;
  const auto plain = seen(p);
  CHECK(plain == seen(p));
  p.method().loss.margin = 0.2;
  CHECK(plain != seen(p));
}

TEST_CASE("another optimizer in an any_optimizer is another step, with whatever was there before") {
  with<nt_xent, any_optimizer<sgd, lars, adamw>> t{{}, {lars{}}};
  const auto before = seen(t);
  t.optimizer().selected = adamw{};
  CHECK(before != seen(t));
  t.optimizer().selected = lars{};
  CHECK(before == seen(t));
}
