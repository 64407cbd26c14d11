#include <algorithm>
#include <limits>
#include <numeric>

#include <pretext/io/safetensors.hpp>
#include <pretext/kernels/cpu/nt_xent.hpp>
#include <pretext/losses/nt_xent.hpp>

#include "losses.hpp"
#include "support/reference.hpp"

using namespace pretext;
using namespace pretext::tests;
using doctest::Approx;

namespace {

template <class T>
struct result {
  double value;
  std::vector<T> gradient;
};

/// The loss of rows (2n, columns); the gradient is added to a buffer that held `before`.
template <class T>
result<T> run(const nt_xent& loss, std::vector<T> z, std::size_t columns, std::size_t threads = 1,
              T before = 0) {
  on<cpu, std::conditional_t<std::is_same_v<T, float>, fp32, fp64>> context{.stream = cpu::stream{threads}};
  result<T> made{0, std::vector<T>(z.size(), before)};
  made.value = kernels::nt_xent<cpu>::run(context, z.size() / columns, columns, loss.temperature, loss.weight,
                                          z.data(), made.gradient.data());
  return made;
}

/// By the definition, every similarity written out.
double by_definition(const std::vector<double>& z, std::size_t columns, double temperature) {
  const std::size_t rows = z.size() / columns;
  const auto similarity = [&](std::size_t i, std::size_t j) {
    double dot = 0, a = 0, b = 0;
    for (std::size_t c = 0; c < columns; ++c) {
      dot += z[i * columns + c] * z[j * columns + c];
      a += z[i * columns + c] * z[i * columns + c];
      b += z[j * columns + c] * z[j * columns + c];
    }
    return dot / std::sqrt(a * b) / temperature;
  };
  double loss = 0;
  for (std::size_t i = 0; i < rows; ++i) {
    double most = -1e300, sum = 0;
    for (std::size_t j = 0; j < rows; ++j)
      if (j != i) most = std::max(most, similarity(i, j));
    for (std::size_t j = 0; j < rows; ++j)
      if (j != i) sum += std::exp(similarity(i, j) - most);
    loss += most + std::log(sum) - similarity(i, (i + rows / 2) % rows);
  }
  return loss / static_cast<double>(rows);
}

const std::vector<double> two_images{1, 0, 0, 1, .6, .8, .8, -.6};

}  // namespace

TEST_CASE("NT-Xent has the golden values at three temperatures") {
  CHECK(run(nt_xent{.temperature = 0.1}, two_images, 2).value == Approx(8.063779839761912).epsilon(1e-13));
  CHECK(run(nt_xent{.temperature = 0.5}, two_images, 2).value == Approx(2.0301902771367115).epsilon(1e-13));
  CHECK(run(nt_xent{.temperature = 1.0}, two_images, 2).value == Approx(1.473576788887094).epsilon(1e-13));
}

TEST_CASE("NT-Xent has the golden gradient and adds it to dz") {
  const std::vector<double> golden{0, -0.777529, -0.229785, 0, -0.622023, 0.466518, -0.137871, -0.183828};
  const auto plain = run(nt_xent{.temperature = 0.5}, two_images, 2);
  all_near(plain.gradient, golden, 1e-6);
  const auto added = run(nt_xent{.temperature = 0.5}, two_images, 2, 1, 3.0);
  for (std::size_t i = 0; i < golden.size(); ++i)
    CHECK(added.gradient[i] - 3 == Approx(plain.gradient[i]).epsilon(1e-12).scale(1));
}

TEST_CASE("the weight scales loss and gradient: 2 is what SimCLR's official code returns") {
  const auto once = run(nt_xent{.temperature = 0.5}, two_images, 2);
  const auto twice = run(nt_xent{.temperature = 0.5, .weight = 2}, two_images, 2);
  CHECK(twice.value == Approx(2 * 2.0301902771367115).epsilon(1e-13));
  for (std::size_t i = 0; i < once.gradient.size(); ++i)
    CHECK(twice.gradient[i] == Approx(2 * once.gradient[i]).epsilon(1e-13));
}

TEST_CASE("NT-Xent of embeddings that are all equal is log(2N-1), and its gradient vanishes") {
  for (const std::size_t images : {2u, 50u, 256u, 1024u}) {
    std::vector<double> z(2 * images * 3);
    for (std::size_t i = 0; i < z.size(); ++i) z[i] = double(1 + i % 3);
    const auto made = run(nt_xent{.temperature = 0.1}, z, 3);
    CHECK(made.value == Approx(std::log(double(2 * images - 1))).epsilon(1e-12));
    all_near(made.gradient, std::vector<double>(z.size()), 1e-12);
  }
}

TEST_CASE("NT-Xent follows its definition for any number of rows and columns") {
  for (const std::size_t rows : {2u, 4u, 94u, 96u, 98u, 192u, 200u, 386u})
    for (const std::size_t columns : {1u, 3u, 16u, 37u, 128u}) {
      CAPTURE(rows);
      CAPTURE(columns);
      const auto z = random_rows(rows * columns, unsigned(rows + columns));
      const auto made = run(nt_xent{.temperature = 0.3}, z, columns, 2);
      CHECK(made.value == Approx(by_definition(z, columns, 0.3)).epsilon(1e-12).scale(1));
    }
}

TEST_CASE("every gradient of NT-Xent matches finite differences, at low temperatures too") {
  // Below 2/600 each row has its own shift; 100 rows are two blocks, one of them partial.
  for (const double temperature : {0.5, 0.07, 0.003})
    for (const std::size_t rows : {6u, 100u}) {
      CAPTURE(temperature);
      auto z = random_rows(rows * 5, 3);
      if (temperature <
          0.01)  // pairs that agree nearly: otherwise softmax is one number and 1/τ amplifies rounding
        for (std::size_t i = 0; i < z.size(); ++i) z[i] = double(1 + i % 5) + 0.05 * z[i];
      const nt_xent loss{.temperature = temperature};
      const auto made = run(loss, z, 5);
      matches_differences(
          z, made.gradient, [&] { return by_definition(z, 5, temperature); }, rows == 6 ? 1 : 31, 1e-5);
    }
}

TEST_CASE("permuting the pairs or swapping the views permutes the gradient and leaves the loss") {
  const std::size_t images = 70, columns = 8;
  const auto z = random_rows(2 * images * columns, 5);
  const auto made = run(nt_xent{.temperature = 0.2}, z, columns);
  std::vector<std::size_t> order(images);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::shuffle(order.begin(), order.end(), std::mt19937{1});
  std::vector<double> moved(z.size()), gradient(z.size());
  for (std::size_t i = 0; i < 2 * images; ++i) {
    const std::size_t from = order[i % images] + (i < images ? images : 0);
    std::copy_n(&z[from * columns], columns, &moved[i * columns]);
    std::copy_n(&made.gradient[from * columns], columns, &gradient[i * columns]);
  }
  const auto again = run(nt_xent{.temperature = 0.2}, moved, columns);
  CHECK(again.value == Approx(made.value).epsilon(1e-13));
  all_near(again.gradient, gradient, 1e-13);
}

TEST_CASE(
    "the norm of an embedding changes neither loss nor gradient's direction; the gradient is orthogonal to "
    "it") {
  const std::size_t columns = 6;
  const auto z = random_rows(20 * columns, 6);
  auto longer = z;
  for (double& number : longer) number *= 100;
  const auto made = run(nt_xent{}, z, columns), scaled = run(nt_xent{}, longer, columns);
  CHECK(scaled.value == Approx(made.value).epsilon(1e-13));
  for (std::size_t i = 0; i < 20; ++i) {
    double along = 0;
    for (std::size_t c = 0; c < columns; ++c) {
      along += z[i * columns + c] * made.gradient[i * columns + c];
      CHECK(100 * scaled.gradient[i * columns + c] == Approx(made.gradient[i * columns + c]).epsilon(1e-11));
    }
    CHECK(std::abs(along) < 1e-14);
  }
}

TEST_CASE("an embedding of zeros, or one too short to have a direction, has a finite loss and gradient") {
  auto z = random_rows(8 * 4, 7);
  std::fill_n(z.begin(), 4, 0.0);
  for (std::size_t i = 4; i < 8; ++i) z[i] = 1e-9 * double(i);
  const auto made = run(nt_xent{}, z, 4);
  CHECK(std::isfinite(made.value));
  for (const double slope : made.gradient) CHECK(std::isfinite(slope));
  // Below the smallest norm u = 10⁶·z is linear: the gradient there has a part along z.
  for (std::size_t i = 4; i < 8; ++i) {
    const double h = 1e-11, saved = z[i];
    z[i] = saved + h;
    const double up = run(nt_xent{}, z, 4).value;
    z[i] = saved - h;
    const double down = run(nt_xent{}, z, 4).value;
    z[i] = saved;
    CHECK(made.gradient[i] == Approx((up - down) / (2 * h)).epsilon(1e-6));
  }
  const auto single = run(nt_xent{}, std::vector<float>(z.begin(), z.end()), 4);
  CHECK(single.value == Approx(made.value).epsilon(1e-5));
}

TEST_CASE("a NaN in an embedding makes the loss NaN") {
  for (const double bad :
       {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    auto z = random_rows(300 * 4, 8);
    z[611] = bad;
    CHECK(std::isnan(run(nt_xent{}, z, 4).value));
    CHECK(std::isnan(run(nt_xent{.temperature = 0.001}, z, 4).value));
    CHECK(std::isnan(run(nt_xent{}, std::vector<float>(z.begin(), z.end()), 4).value));
  }
}

TEST_CASE("NT-Xent has the same bits for any number of threads") {
  const auto z = random_rows<float>(970 * 24, 9);
  const auto one = run(nt_xent{.temperature = 0.1}, z, 24, 1);
  for (const std::size_t threads : {2u, 3u}) {
    const auto more = run(nt_xent{.temperature = 0.1}, z, 24, threads);
    CHECK(more.value == one.value);
    CHECK(more.gradient == one.gradient);
  }
}

TEST_CASE("NT-Xent in float is close to double, at high and low temperatures") {
  for (const double temperature : {1.0, 0.07, 0.02}) {
    CAPTURE(temperature);
    const auto z = random_rows(500 * 32, 10);
    const auto precise = run(nt_xent{.temperature = temperature}, z, 32, 2);
    const auto single =
        run(nt_xent{.temperature = temperature}, std::vector<float>(z.begin(), z.end()), 32, 2);
    CHECK(single.value == Approx(precise.value).epsilon(1e-6));
    double error = 0, size = 0;
    for (std::size_t i = 0; i < z.size(); ++i) {
      error += std::pow(double(single.gradient[i]) - precise.gradient[i], 2);
      size += std::pow(precise.gradient[i], 2);
    }
    CHECK(std::sqrt(error / size) < 2e-6 / temperature);
  }
}

TEST_CASE("NT-Xent agrees with lightly's, loss and gradients, at every temperature of the file") {
  const safetensors file = reference("losses");
  auto z = file.at("z1").as<double>();
  const auto second = file.at("z2").as<double>();
  const std::size_t columns = file.at("z1").shape[1], half = z.size();
  z.insert(z.end(), second.begin(), second.end());
  std::size_t temperatures = 0;
  for (const auto& entry : file.tensors) {
    const std::string& name = entry.first;
    if (!name.starts_with("nt_xent_") || name.find(".grad") != std::string::npos) continue;
    CAPTURE(name);
    ++temperatures;
    const nt_xent loss{.temperature = std::stod(name.substr(8))};
    const double value = entry.second.as<double>()[0];
    auto gradient = file.at(name + ".grad1").as<double>();
    const auto of_second = file.at(name + ".grad2").as<double>();
    gradient.insert(gradient.end(), of_second.begin(), of_second.end());
    const auto precise = run(loss, z, columns);
    CHECK(precise.value == Approx(value).epsilon(1e-9));
    all_near(precise.gradient, gradient, 1e-9);
    const auto single = run(loss, std::vector<float>(z.begin(), z.end()), columns);
    CHECK(single.value == Approx(value).epsilon(1e-4));
    all_near(single.gradient, gradient, 1e-4);
  }
  CHECK(temperatures > 0);
  CHECK(half == second.size());
}

TEST_CASE("the loss accepts views of a context, and its memory grows linearly with the rows") {
  using sample = shape<16>;
  for (const std::size_t rows : {1000u, 4000u}) {
    on<cpu> context;
    auto z = random_rows<float>(rows * sample::size, 11);
    std::vector<float> dz(z.size());
    const double value = nt_xent{.temperature = 0.5}(context, reads<on<cpu>, sample>{z.data(), rows},
                                                     writes<on<cpu>, sample>{dz.data(), rows});
    CHECK(value == run(nt_xent{.temperature = 0.5}, z, sample::size).value);
    CHECK(context.workspace.peak() < 4 * rows * sample::size * sizeof(float) + 64 * rows + (1 << 18));
    CHECK(context.workspace.position().offset == 0);
  }
}

TEST_CASE("NT-Xent refuses an odd number of rows and a temperature of zero in a sentence") {
  CHECK_THROWS_WITH_AS(run(nt_xent{}, std::vector<double>(6), 2),
                       "NT-Xent compares two views of every image, stacked; it cannot take 3 rows",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(run(nt_xent{.temperature = 0}, two_images, 2),
                       "NT-Xent's temperature must be positive, not 0", std::invalid_argument);
}
