// Tests of batch_norm.hpp and of the layers that contain it: fused_convolution.hpp and residual_block.hpp;
// and of kernels/cpu/batch_norm/join_shards.hpp.
#include <pretext/encoders/resnet.hpp>
#include <pretext/layers/relu.hpp>

#include "support/for_each_shard.hpp"
#include "support/gradient_check.hpp"

using namespace pretext;
using tests::gradients_match_finite_differences;
using image = shape<7, 6, 5>;

static_assert(Layer<batch_norm<>, image, on<cpu>>);
static_assert(Layer<basic_block<8, 2, initial_scale::zero>, image, on<cpu>>);
static_assert(Layer<bottleneck_block<8, 2, initial_scale::zero>, image, on<cpu, fp64>>);

TEST_CASE("every gradient of batch norm matches finite differences, with joint statistics and per view") {
  gradients_match_finite_differences<batch_norm<>, image>(4);
  gradients_match_finite_differences<batch_norm<affine::scale>, shape<5>>(8);
  gradients_match_finite_differences<batch_norm<affine::none>, shape<5>>(8);
  gradients_match_finite_differences<batch_norm<>, image>(4, 1e-6, 2);
}

TEST_CASE(
    "batch norm's backward gives the same bits in place, and without the output, which x and the statistics "
    "imply") {
  using norm = kernels::batch_norm<cpu>;
  constexpr std::size_t rows = 96, channels = 21, groups = 2, size = rows * channels;
  on<cpu> context;
  const auto numbers = [](std::size_t count, unsigned seed) {
    const auto drawn = tests::normal_numbers(count, seed);
    return std::vector<float>(drawn.begin(), drawn.end());
  };
  const auto x = numbers(size, 1), dy = numbers(size, 2), gamma = numbers(channels, 3),
             beta = numbers(channels, 4);
  std::vector<float> mean(groups * channels), inverse(mean), scale(mean), shift(mean), y(size);
  const kernels::channel_norms<float> norms{mean.data(), inverse.data(), scale.data(), shift.data()};
  norm::statistics(context, rows, channels, groups, x.data(), {1e-5f, 0.1f, gamma.data(), beta.data()},
                   norms);
  norm::apply<on<cpu>, float>(context, rows, channels, groups, x.data(), scale.data(), shift.data(), nullptr,
                              true, y.data());

  struct result {
    std::vector<float> dgamma, dbeta, dx, dshortcut;
    bool operator==(const result&) const = default;
  };
  const auto backward = [&](bool relu, bool output, bool in_place) {
    result r{std::vector<float>(channels), std::vector<float>(channels),
             in_place ? x : std::vector<float>(size), in_place ? dy : std::vector<float>(size)};
    norm::backward<on<cpu>, float>(context, rows, channels, groups, in_place ? r.dshortcut.data() : dy.data(),
                                   relu, {output ? y.data() : nullptr}, in_place ? r.dx.data() : x.data(),
                                   norms, gamma.data(), r.dgamma.data(), r.dbeta.data(), r.dx.data(),
                                   r.dshortcut.data());
    return r;
  };
  const result expected = backward(true, true, false);
  for (std::size_t i = 0; i < size; ++i) REQUIRE(expected.dshortcut[i] == (y[i] > 0 ? dy[i] : 0.f));
  CHECK(backward(true, true, true) == expected);
  CHECK(backward(true, false, false) == expected);
  CHECK(backward(true, false, true) == expected);
  CHECK(backward(false, false, false).dshortcut == dy);
}

TEST_CASE("every gradient of the fused convolution and the residual blocks matches finite differences") {
  using unit = fused_convolution<"conv1", "bn1", convolution<6, 3>>;
  gradients_match_finite_differences<unit, image>(4);
  gradients_match_finite_differences<unit, image>(4, 1e-6, 2);
  gradients_match_finite_differences<fused_convolution<"c", "n", convolution<6, 3, 2>, activation::none>,
                                     image>(4);
  gradients_match_finite_differences<basic_block<5, 1, initial_scale::one>, image>(4);
  gradients_match_finite_differences<basic_block<6, 2, initial_scale::one>, image>(4);
  gradients_match_finite_differences<bottleneck_block<4, 1, initial_scale::one>, image>(4);
  gradients_match_finite_differences<bottleneck_block<2, 1, initial_scale::one>, shape<6, 6, 8>>(4);
  gradients_match_finite_differences<bottleneck_block<3, 2, initial_scale::one>, image>(4);
}

namespace {

template <class Context, class L, class In>
std::vector<double> training_output(std::size_t batch, std::size_t threads, std::vector<double>& w) {
  Context context{.stream = cpu::stream{threads}};
  using T = typename Context::activation;
  const auto numbers = tests::normal_numbers(batch * In::size, 5);
  const std::vector<T> x(numbers.begin(), numbers.end());
  std::vector<T> y(batch * output_of<L, In>::size), value(w.begin(), w.end());
  cache_of<L, In, Context> cache;
  L::forward(context, weights<Context>{value.data(), nullptr}, reads<Context, In>{x.data(), batch},
             writes<Context, output_of<L, In>>{y.data(), batch}, cache);
  w.assign(value.begin(), value.end());
  return {y.begin(), y.end()};
}

}  // namespace

TEST_CASE("batch norm gives each channel mean 0 and variance 1, and keeps torch's running statistics") {
  using layer = batch_norm<affine::none>;
  using In = shape<4, 4, 3>;
  std::vector<double> w{0, 0, 0, 1, 1, 1};
  const auto y = training_output<on<cpu, fp64>, layer, In>(5, 1, w);
  const auto x = tests::normal_numbers(5 * In::size, 5);
  for (std::size_t c = 0; c < 3; ++c) {
    double sum = 0, square = 0, mean = 0, variance = 0;
    for (std::size_t r = 0; r < 80; ++r) {
      sum += y[r * 3 + c] / 80;
      square += y[r * 3 + c] * y[r * 3 + c] / 80;
      mean += x[r * 3 + c] / 80;
    }
    for (std::size_t r = 0; r < 80; ++r) variance += (x[r * 3 + c] - mean) * (x[r * 3 + c] - mean) / 79;
    CHECK(sum == doctest::Approx(0).epsilon(1e-12).scale(1));
    CHECK(square == doctest::Approx(1).epsilon(1e-4));
    CHECK(w[c] == doctest::Approx(0.1 * mean));
    CHECK(w[3 + c] == doctest::Approx(0.9 + 0.1 * variance));
  }
}

TEST_CASE("statistics are accurate for a mean that is large compared with the deviation") {
  using In = shape<3>;
  on<cpu> context;
  std::vector<float> x, y(64 * 3), w{1, 1, 1, 0, 0, 0, 0, 0, 0, 1, 1, 1};
  for (double v : tests::normal_numbers(64 * 3, 8, 10000, 1)) x.push_back(static_cast<float>(v));
  cache_of<batch_norm<>, In, on<cpu>> cache;
  batch_norm<>::forward(context, weights<on<cpu>>{w.data(), nullptr}, reads<on<cpu>, In>{x.data(), 64},
                        writes<on<cpu>, In>{y.data(), 64}, cache);
  double square = 0;
  for (float v : y) square += double(v) * double(v) / double(y.size());
  CHECK(square == doctest::Approx(1).epsilon(0.01));
}

TEST_CASE("statistics per view equal one forward pass per view, running statistics included") {
  using layer = basic_block<4, 2, initial_scale::one>;
  using In = shape<6, 6, 4>;
  using Context = on<cpu, fp64>;
  const auto numbers = tests::normal_numbers(6 * In::size, 5);
  auto together = tests::plausible_weights<layer, In>(4), apart = together;
  std::vector<double> y(6 * output_of<layer, In>::size), z(y.size());
  cache_of<layer, In, Context> cache;
  Context context;
  context.step.batch_norm_groups = 2;
  layer::forward(context, weights<Context>{together.data(), nullptr}, reads<Context, In>{numbers.data(), 6},
                 writes<Context, output_of<layer, In>>{y.data(), 6}, cache);
  context.step.batch_norm_groups = 1;
  for (std::size_t view = 0; view < 2; ++view)
    layer::forward(context, weights<Context>{apart.data(), nullptr},
                   reads<Context, In>{numbers.data() + view * 3 * In::size, 3},
                   writes<Context, output_of<layer, In>>{z.data() + view * y.size() / 2, 3}, cache);
  for (std::size_t i = 0; i < y.size(); ++i) CHECK(y[i] == doctest::Approx(z[i]).epsilon(1e-12));
  for (std::size_t i = 0; i < apart.size(); ++i)
    CHECK(together[i] == doctest::Approx(apart[i]).epsilon(1e-12));
}

TEST_CASE("a whole block computes the same bits with 1, 2 and 3 threads") {
  using layer = bottleneck_block<8, 2, initial_scale::one>;
  using In = shape<9, 9, 12>;
  const auto start = tests::plausible_weights<layer, In>(4);
  auto one = start, two = start, three = start;
  const auto y = training_output<on<cpu>, layer, In>(33, 1, one);
  CHECK(y == training_output<on<cpu>, layer, In>(33, 2, two));
  CHECK(y == training_output<on<cpu>, layer, In>(33, 3, three));
  CHECK(one == two);
  CHECK(one == three);
}

namespace {

template <class L, class In>
struct block_gradients {
  std::vector<float> w, dx;
  std::size_t stored_bytes;

  explicit block_gradients(bool recomputes) : w(weight_count<L, In>), dx(5 * In::size) {
    using Context = on<cpu>;
    Context context;
    context.recomputes_activations = recomputes;
    const auto floats = [](const std::vector<double>& of) {
      return std::vector<float>{of.begin(), of.end()};
    };
    auto value = floats(tests::plausible_weights<L, In>(4));
    const auto x = floats(tests::normal_numbers(dx.size(), 5));
    const auto dy = floats(tests::normal_numbers(5 * output_of<L, In>::size, 6));
    std::vector<float> y(dy.size());
    const weights<Context> all{value.data(), w.data()};
    cache_of<L, In, Context> cache;
    L::forward(context, all, reads<Context, In>{x.data(), 5}, writes<Context, output_of<L, In>>{y.data(), 5},
               cache);
    stored_bytes = context.activations.peak();
    L::backward(context, all, cache, reads<Context, output_of<L, In>>{dy.data(), 5},
                writes<Context, In>{dx.data(), 5});
  }
};

template <class L, class In>
void gradients_are_the_same_stored_and_recomputed() {
  const block_gradients<L, In> stored{false}, recomputed{true};
  CHECK(stored.w == recomputed.w);
  CHECK(stored.dx == recomputed.dx);
  CHECK(stored.stored_bytes > recomputed.stored_bytes);
}

}  // namespace

TEST_CASE(
    "blocks that store the activations between convolutions have the same gradients as those that "
    "recompute") {
  gradients_are_the_same_stored_and_recomputed<basic_block<8, 2, initial_scale::one>, shape<9, 9, 12>>();
  gradients_are_the_same_stored_and_recomputed<bottleneck_block<3, 1, initial_scale::one>, shape<9, 9, 12>>();
  gradients_are_the_same_stored_and_recomputed<bottleneck_block<8, 2, initial_scale::one>, shape<9, 9, 12>>();
}

TEST_CASE("inference with batch norm folded into the weights equals the unfolded formula") {
  using In = shape<8, 8, 4>;
  using Context = on<cpu, fp64>;
  using unit = fused_convolution<"conv1", "bn1", convolution<6, 3, 2>>;
  using plain = sequential<named<"conv1", convolution<6, 3, 2>>, named<"bn1", batch_norm<>>, relu>;
  static_assert(weight_count<unit, In> == weight_count<plain, In>);
  Context context;
  auto w = tests::plausible_weights<unit, In>(9);
  const auto x = tests::normal_numbers(3 * In::size, 5);
  std::vector<double> y(3 * output_of<unit, In>::size), z(y.size());
  unit::infer(context, weights<Context>{w.data(), nullptr}, reads<Context, In>{x.data(), 3},
              writes<Context, output_of<unit, In>>{y.data(), 3});
  plain::infer(context, weights<Context>{w.data(), nullptr}, reads<Context, In>{x.data(), 3},
               writes<Context, output_of<unit, In>>{z.data(), 3});
  for (std::size_t i = 0; i < y.size(); ++i) CHECK(y[i] == doctest::Approx(z[i]).epsilon(1e-12));
}

TEST_CASE("two, three and four shards have the statistics and gradients of one batch, jointly and per view") {
  using In = shape<3, 2, 5>;
  using Context = on<cpu, fp64>;
  using layer = batch_norm<>;
  constexpr std::size_t batch = 12, views = 2, size = views * batch * In::size;
  const auto x = tests::normal_numbers(size, 1, 30), dy = tests::normal_numbers(size, 2);
  const auto start = tests::plausible_weights<layer, In>(3);
  struct results {
    std::vector<double> y = std::vector<double>(size), dx = y, w, dw;
  };
  // Computes the shard's rows of each view; dw is the shard's part.
  const auto compute = [&](Context& context, std::size_t shard, std::size_t shards, std::size_t groups) {
    const std::size_t rows = batch / shards * In::size;
    const auto rows_of = [&](const std::vector<double>& whole) {
      std::vector<double> part;
      for (std::size_t view = 0; view < views; ++view) {
        const auto first =
            whole.begin() + static_cast<std::ptrdiff_t>(view * batch * In::size + shard * rows);
        part.insert(part.end(), first, first + static_cast<std::ptrdiff_t>(rows));
      }
      return part;
    };
    context.step.batch_norm_groups = groups;
    const auto own_x = rows_of(x), own_dy = rows_of(dy);
    std::vector<double> y(own_x.size()), dx(own_x.size());
    results r;
    r.w = start;
    r.dw.resize(start.size());
    cache_of<layer, In, Context> cache;
    const std::size_t count = views * batch / shards;
    layer::forward(context, weights<Context>{r.w.data(), nullptr}, reads<Context, In>{own_x.data(), count},
                   writes<Context, In>{y.data(), count}, cache);
    layer::backward(context, weights<Context>{r.w.data(), r.dw.data()}, cache,
                    reads<Context, In>{own_dy.data(), count}, writes<Context, In>{dx.data(), count});
    for (std::size_t view = 0; view < views; ++view) {
      std::copy_n(y.data() + view * rows, rows, r.y.data() + view * batch * In::size + shard * rows);
      std::copy_n(dx.data() + view * rows, rows, r.dx.data() + view * batch * In::size + shard * rows);
    }
    return r;
  };
  const auto differ = [](const std::vector<double>& a, const std::vector<double>& b) {
    double difference = 0, largest = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
      difference = std::max(difference, std::abs(a[i] - b[i]));
      largest = std::max(largest, std::abs(b[i]));
    }
    return difference / largest;
  };
  for (const std::size_t groups : {1u, 2u}) {
    Context whole;
    const results expected = compute(whole, 0, 1, groups);
    for (const std::size_t shards : {1u, 2u, 3u, 4u}) {
      CAPTURE(shards);
      std::vector<results> parts(shards);
      tests::for_each_shard(shards, shards, [&](distributed::communicator<cpu>& ranks) {
        Context context{.communicator = &ranks};
        parts[ranks.shard()] = compute(context, ranks.shard(), shards, groups);
      });
      results joined;
      joined.dw.resize(start.size());
      const auto add = [](std::vector<double>& sum, const std::vector<double>& part) {
        for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += part[i];
      };
      for (const results& part : parts) {
        add(joined.y, part.y);
        add(joined.dx, part.dx);
        add(joined.dw, part.dw);
        CHECK(part.w == parts[0].w);  // running statistics have the same bits everywhere
      }
      CHECK(differ(joined.y, expected.y) < 1e-12);
      CHECK(differ(joined.dx, expected.dx) < 1e-12);
      CHECK(differ(joined.dw, expected.dw) < 1e-12);
      CHECK(differ(parts[0].w, expected.w) < 1e-12);
      if (shards == 1)
        CHECK((joined.y == expected.y && joined.dx == expected.dx && joined.dw == expected.dw));
    }
  }
}
