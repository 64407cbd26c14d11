// Tests of trainer.hpp and of methods/ with a communicator: methods/detail/whole_batch.hpp.
#include "support/allocations.hpp"
#include "support/for_each_shard.hpp"
#include "support/gradient_check.hpp"
#include "support/relative_difference.hpp"
#include "support/thin_trunk.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <string>
#include <vector>

#include <pretext/encoders/vit.hpp>
#include <pretext/kernels/cpu/cosine_regression.hpp>
#include <pretext/kernels/cpu/cross_entropy.hpp>
#include <pretext/kernels/cpu/masked_pixels.hpp>
#include <pretext/kernels/cpu/masking.hpp>
#include <pretext/kernels/cpu/nt_xent.hpp>
#include <pretext/kernels/cpu/optimize.hpp>
#include <pretext/kernels/cpu/parallel_for.hpp>
#include <pretext/kernels/cpu/shuffled_tokens.hpp>
#include <pretext/methods/byol.hpp>
#include <pretext/methods/classification.hpp>
#include <pretext/methods/dinov2.hpp>
#include <pretext/methods/ibot.hpp>
#include <pretext/methods/mae.hpp>
#include <pretext/methods/msn.hpp>
#include <pretext/methods/simclr.hpp>
#include <pretext/optimizers/sgd.hpp>
#include <pretext/training/trainer.hpp>

using namespace pretext;
using distributed::communicator;

namespace {

using images = shape<8, 8, 3>;
using network = tests::thin_trunk<basic_block, 4>;
using simclr_method = simclr<images, network, simclr_head<6>>;
using byol_method = byol<images, network, byol_head<9, 6>>;
using mae_method = mae<images, vit<2, 16, 2, 2>, mae_decoder<8, 2, 2>, random_masking<std::ratio<1, 2>>>;
using ibot_method =
    ibot<images, vit<2, 16, 2, 2, dino_pretraining>, dino_head<7, 9, 6, weight_gain::learned>>;
using dinov2_method = dinov2<images, vit<2, 16, 2, 2, dinov2_pretraining>, dino_head<7, 9, 6>,
                             dino_head<5, 9, 6>, blockwise_masking>;
using msn_method = msn<images, vit<2, 16, 2, 2, msn_pretraining>, 7,
                       dino_bottleneck<9, 6, hidden_norm::batch>, random_masking<std::ratio<1, 4>>>;
using labelled_method = classification<images, encoder<network>, classifier<linear_classifier<5>>>;

template <class Method>
using learner = trainer<Method, on<cpu, fp64>, sgd>;

constexpr std::size_t batch = 12;

/// Everything that a trainer has after some steps.
struct state {
  std::vector<double> losses, gradient, values, target;
  bool operator==(const state&) const = default;
};

template <class Method>
Method method_with_unusual_settings() {
  if constexpr (std::same_as<Method, mae_method>)
    return {.loss = {.slack = 0.5}};
  else
    return {};
}

/// The shard's rows of each view of the batch of a step, and their samples.
template <class Method>
struct shard_of_batch {
  std::vector<double> views;
  std::vector<std::uint64_t> samples;

  shard_of_batch(std::size_t step, std::size_t shard, std::size_t shards) {
    const std::size_t rows = batch / shards;
    const auto whole = tests::normal_numbers(Method::views * batch * images::size, unsigned(step));
    for (std::size_t view = 0; view < Method::views; ++view) {
      const auto first = whole.begin() + std::ptrdiff_t((view * batch + shard * rows) * images::size);
      views.insert(views.end(), first, first + std::ptrdiff_t(rows * images::size));
    }
    for (std::size_t i = 0; i < rows; ++i) samples.push_back(7 * (step * batch + shard * rows + i));
  }
};

template <class Method>
void step(learner<Method>& t, std::size_t number, std::size_t shard, std::size_t shards,
          std::vector<double>& losses) {
  const shard_of_batch<Method> b{number, shard, shards};
  if constexpr (LabelledMethod<Method>) {
    const auto targets = t.memory().soft_targets.resize(b.samples.size());
    for (std::size_t i = 0; i < b.samples.size(); ++i)
      for (std::size_t c = 0; c < 5; ++c) targets.data[i * 5 + c] = b.samples[i] % 5 == c ? 0.8 : 0.05;
  }
  losses.push_back(t.step(reads<on<cpu, fp64>, images>{b.views.data(), b.views.size() / images::size},
                          {.learning_rate = 0.05, .samples = b.samples}));
}

template <class Method>
state trained(communicator<cpu>* ranks, std::size_t steps) {
  learner<Method> t{method_with_unusual_settings<Method>(), {}, 5};
  t.context().communicator = ranks;
  state result;
  for (std::size_t k = 0; k < steps; ++k)
    step<Method>(t, k, ranks ? ranks->shard() : 0, ranks ? ranks->shards() : 1, result.losses);
  result.gradient.assign(t.memory().gradient.data(), t.memory().gradient.data() + Method::size);
  result.values.assign(t.memory().value.data(), t.memory().value.data() + Method::size);
  if constexpr (Method::has_target)
    result.target.assign(t.memory().target_values.data(),
                         t.memory().target_values.data() + Method::target_size);
  return result;
}

/// The state of all shards, whose bits must be equal.
template <class Method>
state trained_by(std::size_t ranks, std::size_t shards, std::size_t steps) {
  std::vector<state> all(shards);
  tests::for_each_shard(ranks, shards,
                        [&](communicator<cpu>& own) { all[own.shard()] = trained<Method>(&own, steps); });
  for (const state& each : all) CHECK(each == all[0]);
  return all[0];
}

template <class Method>
void equals_one_batch(const char* name) {
  CAPTURE(name);
  for (const std::size_t steps : {1u, 2u}) {
    const state expected = trained<Method>(nullptr, steps);
    for (const std::size_t shards : {2u, 3u, 4u}) {
      CAPTURE(shards);
      const state found = trained_by<Method>(shards, shards, steps);
      CHECK(tests::relative_difference(found.losses, expected.losses) < 1e-12);
      CHECK(tests::relative_difference(found.gradient, expected.gradient) < 1e-12);
      CHECK(tests::relative_difference(found.values, expected.values) < 1e-12);
      CHECK(tests::relative_difference(found.target, expected.target) < 1e-12);
    }
  }
}

/// Counts what passes through another communicator.
class counting final : public communicator<cpu> {
 public:
  explicit counting(communicator<cpu>& all) : all_{&all} {}

  std::size_t shard() const override { return all_->shard(); }
  std::size_t shards() const override { return all_->shards(); }
  void all_gather(const cpu::stream& on, const void* own, void* all, std::size_t bytes) override {
    gathered.push_back(bytes);
    all_->all_gather(on, own, all, bytes);
  }
  void all_reduce(const cpu::stream& on, float* values, std::size_t count) override {
    reduced.push_back(count * sizeof(float));
    all_->all_reduce(on, values, count);
  }
  void all_reduce(const cpu::stream& on, double* values, std::size_t count) override {
    reduced.push_back(count * sizeof(double));
    all_->all_reduce(on, values, count);
  }

  std::vector<std::size_t> gathered{}, reduced{};  // bytes of each call

 private:
  communicator<cpu>* all_;
};

/// What a shard exchanges in a step of two shards.
struct exchanged_bytes {
  std::size_t gathered = 0;
  std::vector<std::size_t> reduced{};
  bool operator==(const exchanged_bytes&) const = default;
};

template <class Method>
exchanged_bytes exchanged() {
  exchanged_bytes bytes;
  tests::for_each_shard(2, 2, [&](communicator<cpu>& own) {
    counting counted{own};
    trained<Method>(&counted, 1);
    if (own.shard() == 0)
      bytes = {std::accumulate(counted.gathered.begin(), counted.gathered.end(), std::size_t{0}),
               counted.reduced};
  });
  return bytes;
}

/// Channels of all norms among the first `size` numbers of the weights.
template <class Method>
std::size_t channels_of_norms(std::size_t size = Method::size) {
  std::size_t channels = 0;
  for (const parameter& each : Method::parameters)
    if (each.offset < size && each.name().ends_with(".running_mean")) channels += each.size();
  return channels;
}

}  // namespace

TEST_CASE("two, three and four shards are one batch: SimCLR") { equals_one_batch<simclr_method>("SimCLR"); }
TEST_CASE("two, three and four shards are one batch: BYOL") { equals_one_batch<byol_method>("BYOL"); }
TEST_CASE("two, three and four shards are one batch: MAE") { equals_one_batch<mae_method>("MAE"); }
TEST_CASE("two, three and four shards are one batch: iBOT") { equals_one_batch<ibot_method>("iBOT"); }
TEST_CASE("two, three and four shards are one batch: DINOv2") { equals_one_batch<dinov2_method>("DINOv2"); }
TEST_CASE("two, three and four shards are one batch: MSN") { equals_one_batch<msn_method>("MSN"); }
TEST_CASE("two, three and four shards are one batch: classification") {
  equals_one_batch<labelled_method>("classification");
}

TEST_CASE("a step exchanges the bytes that the table in docs/distributed.md lists") {
  constexpr std::size_t number = sizeof(double), views = 2, rows = views * batch / 2, groups = 2;
  // Two values in double precision of each channel, forward and backward; z once.
  CHECK(exchanged<simclr_method>() ==
        exchanged_bytes{2 * 16 * channels_of_norms<simclr_method>() + rows * 128 * number,
                        {simclr_method::size * number}});
  // A norm sees one view at a time; the target's norms have no backward pass, and predictions and targets are
  // gathered.
  CHECK(exchanged<byol_method>() ==
        exchanged_bytes{16 * groups *
                                (2 * channels_of_norms<byol_method>() +
                                 channels_of_norms<byol_method>(byol_method::target_size)) +
                            2 * rows * 6 * number,
                        {byol_method::size * number}});
  CHECK(exchanged<mae_method>() == exchanged_bytes{0, {sizeof(double), mae_method::size * number}});
  CHECK(exchanged<labelled_method>() == exchanged_bytes{2 * 16 * channels_of_norms<labelled_method>(),
                                                        {sizeof(double), labelled_method::size * number}});
}

TEST_CASE("the bits of a shard do not depend on the rank that holds it") {
  const state byol_state = trained_by<byol_method>(4, 4, 3), mae_state = trained_by<mae_method>(4, 4, 3);
  for (const std::size_t ranks : {1u, 2u}) {
    CAPTURE(ranks);
    CHECK(trained_by<byol_method>(ranks, 4, 3) == byol_state);
    CHECK(trained_by<mae_method>(ranks, 4, 3) == mae_state);
  }
  CHECK(trained_by<byol_method>(3, 12, 3) == trained_by<byol_method>(4, 12, 3));
}

TEST_CASE("one shard has the bits of a trainer without a communicator") {
  CHECK(trained_by<simclr_method>(1, 1, 3) == trained<simclr_method>(nullptr, 3));
  CHECK(trained_by<byol_method>(1, 1, 3) == trained<byol_method>(nullptr, 3));
  CHECK(trained_by<mae_method>(1, 1, 3) == trained<mae_method>(nullptr, 3));
  CHECK(trained_by<labelled_method>(1, 1, 3) == trained<labelled_method>(nullptr, 3));
}

TEST_CASE("a loss that is NaN holds back the update of every rank") {
  std::vector<std::string> told(3);
  std::vector<char> unchanged(3);
  tests::for_each_shard(3, 3, [&](communicator<cpu>& ranks) {
    learner<mae_method> t{{}, {}, 5};
    t.context().communicator = &ranks;
    const std::vector<double> before(t.memory().value.data(), t.memory().value.data() + mae_method::size);
    shard_of_batch<mae_method> b{0, ranks.shard(), 3};
    if (ranks.shard() == 1) std::fill(b.views.begin(), b.views.begin() + images::size, std::nan(""));
    try {
      t.step(reads<on<cpu, fp64>, images>{b.views.data(), b.samples.size()},
             {.learning_rate = 0.05, .samples = b.samples});
    } catch (const non_finite_loss& error) { told[ranks.shard()] = error.what(); }
    unchanged[ranks.shard()] = std::equal(before.begin(), before.end(), t.memory().value.data());
  });
  for (std::size_t shard = 0; shard < 3; ++shard) {
    CHECK(told[shard].starts_with("the loss became nan"));
    CHECK(unchanged[shard]);
  }
}

TEST_CASE("an odd number of rows of a shard is refused, even where the whole batch has an even one") {
  const std::vector<double> views(11 * images::size);
  const auto step_odd = [&](communicator<cpu>& ranks) {
    learner<simclr_method> t;
    t.context().communicator = &ranks;
    t.step(reads<on<cpu, fp64>, images>{views.data(), 11}, {});
  };
  CHECK_THROWS_WITH_AS(tests::for_each_shard(2, 2, step_odd),
                       "joint_embedding: 11 rows are not 2 views of each of 5 images", std::invalid_argument);
}

TEST_CASE("a step with ranks allocates nothing after the first one") {
  for (const std::size_t ranks : {1u, 2u}) {
    std::size_t before = 0, after = 1;
    tests::for_each_shard(ranks, 2, [&](communicator<cpu>& own) {
      learner<byol_method> t{{}, {}, 5};
      t.context().communicator = &own;
      const shard_of_batch<byol_method> b{0, own.shard(), 2};
      const auto step_once = [&] {
        t.step(reads<on<cpu, fp64>, images>{b.views.data(), 2 * b.samples.size()}, {.samples = b.samples});
      };
      const auto count = [&](std::size_t& allocations) {
        double wait = 0;  // for the step of the other shard
        own.all_reduce({}, &wait, 1);
        if (own.shard() == 0) allocations = tests::allocations;
        own.all_reduce({}, &wait, 1);
      };
      step_once();
      count(before);
      step_once();
      step_once();
      count(after);
    });
    CHECK(after == before);
  }
}
