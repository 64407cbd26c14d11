#include <doctest/doctest.h>

#include <pretext/kernels/cpu/for_each_row.hpp>
#include <pretext/kernels/cpu/gemm.hpp>
#include <pretext/losses/patch_distillation.hpp>

#include "losses/batch_cases.hpp"

using namespace pretext;
using namespace pretext::tests;

namespace {

template <class Numerics, std::size_t K>
batch_results run_tokens(const patch_distillation& loss, const std::vector<std::uint8_t>& masked,
                         std::size_t images, const std::vector<double>& p, const std::vector<double>& target,
                         const state_values& given = {}, double value = -1, std::size_t threads = 1) {
  using Context = on<cpu, Numerics>;
  using T = typename Context::activation;
  Context context{.stream = cpu::stream{threads}};
  const std::vector<T> rows(p.begin(), p.end()), targets(target.begin(), target.end());
  std::vector<T> gradient(rows.size(), T(.25));
  const std::size_t count = rows.size() / K;
  token_batch<Context, shape<K>> batch{.images = images, .tokens = count / images};
  batch.masked = masked.empty() ? nullptr : masked.data();
  batch.p = {rows.data(), count};
  batch.dp = {gradient.data(), count};
  batch.target = {targets.data(), targets.size() / K};
  batch.values = loss_values{{value, -1, -1, -1}};
  patch_distillation::state<Context, shape<K>, shape<K>> state;
  state.start(context, loss, 1);
  set_values(state, given);
  batch_results results;
  const auto before = values_of(state);
  results.value = loss(context, batch, state);
  CHECK(values_of(state) == before);
  loss.commit(context, state);
  results.state = values_of(state);
  for (const T element : gradient) results.gradient.push_back(static_cast<double>(element) - .25);
  return results;
}

template <std::size_t K>
batch_results agrees(const patch_distillation& loss, const safetensors& file,
                     const state_values& given = {}) {
  const auto masked = file.at("mask").as<std::uint8_t>();
  const auto run = [&]<class Numerics>(Numerics, std::size_t threads) {
    return run_tokens<Numerics, K>(loss, masked, file.at("mask").shape[0],
                                   file.at("student_patch").as<double>(),
                                   file.at("teacher_patch").as<double>(), given, -1, threads);
  };
  REQUIRE(file.at("student_patch").shape[2] == K);
  const double expected = file.at("patch").as<double>()[0];
  const auto slopes = file.at("patch.grad.student_patch").as<double>();
  const auto found = run(fp64{}, 1), single = run(fp32{}, 3);
  CHECK(found == run(fp64{}, 3));
  CHECK(single == run(fp32{}, 1));
  CHECK(found.value == doctest::Approx(expected).epsilon(1e-10));
  CHECK(relative_difference(found.gradient, slopes) < 1e-10);
  CHECK(single.value == doctest::Approx(expected).epsilon(2e-5));
  CHECK(relative_difference(single.gradient, slopes) < 2e-5);
  return found;
}

}  // namespace

TEST_CASE("patch distillation agrees with iBOT, and its centre with iBOT or lightly") {
  const auto file = tests::reference("loss_ibot");
  const auto number = [&](const char* name) { return hyper_parameter(file, name).get<double>(); };
  patch_distillation loss{number("student_temperature"), number("teacher_patch_temperature"),
                          number("centre_patch_momentum")};
  const state_values centre{{"centre_patch", file.at("centre_patch").as<double>()}};
  for (const bool masked_only : {false, true}) {
    loss.centres_masked_only = masked_only;
    const auto found = file.at("student_patch").shape[2] == 6 ? agrees<6>(loss, file, centre)
                                                              : agrees<7>(loss, file, centre);
    CHECK(relative_difference(
              found.state.at("centre_patch"),
              file.at(masked_only ? "centre_patch_after_masked_only" : "centre_patch_after").as<double>()) <
          1e-13);
  }
}

TEST_CASE("patch distillation with Sinkhorn's algorithm agrees with DINOv2") {
  const auto file = tests::reference("loss_dino_v2");
  const auto number = [&](const char* name) { return hyper_parameter(file, name).get<double>(); };
  const patch_distillation loss{.student_temperature = number("student_temperature"),
                                .teacher_temperature = number("teacher_temperature"),
                                .centering = teacher_centering::sinkhorn};
  CHECK(agrees<7>(loss, file).state.empty());
}

TEST_CASE("the gradient of patch distillation matches finite differences, and a given temperature counts") {
  auto p = detail::normal_values(24, 1);
  const auto target = detail::normal_values(24, 2);
  const std::vector<std::uint8_t> masked{1, 0, 1, 0, 0, 0, 0, 1};
  for (const teacher_centering centering : {teacher_centering::centre, teacher_centering::sinkhorn}) {
    const patch_distillation loss{.teacher_temperature = .5, .centering = centering};
    const auto value = [&] { return run_tokens<fp64, 3>(loss, masked, 2, p, target).value; };
    const auto gradient = run_tokens<fp64, 3>(loss, masked, 2, p, target).gradient;
    const auto found = check_gradient(p, gradient, value);
    CHECK_MESSAGE(found.error < 1e-6, found.text());
    for (std::size_t i = 0; i < 24; ++i)
      if (!masked[i / 3]) CHECK(gradient[i] == 0);
    patch_distillation other = loss;
    other.teacher_temperature = .04;
    CHECK(run_tokens<fp64, 3>(other, masked, 2, p, target, {}, .5).value == value());
    CHECK(run_tokens<fp64, 3>(other, masked, 2, p, target).value != value());
  }
}

TEST_CASE("without a masked patch the loss is 0, and a centre of masked patches stays where it is") {
  const std::vector<std::uint8_t> none(4);
  const std::vector<double> rows{1, 2, 3, 4, 5, 6, 7, 8};
  for (const bool sinkhorn : {false, true}) {
    patch_distillation loss{.centres_masked_only = true};
    if (sinkhorn) loss.centering = teacher_centering::sinkhorn;
    const auto found = run_tokens<fp64, 2>(
        loss, none, 2, rows, rows, sinkhorn ? state_values{} : state_values{{"centre_patch", {3, -1}}});
    CHECK(found.value == 0);
    CHECK(found.gradient == std::vector<double>(8));
    if (!sinkhorn) CHECK(found.state.at("centre_patch") == std::vector<double>{3, -1});
  }
}

TEST_CASE("patch distillation is finite for rows of zeros and tiny temperatures") {
  const std::vector<std::uint8_t> masked{1, 1, 0, 1};
  for (const teacher_centering centering : {teacher_centering::centre, teacher_centering::sinkhorn}) {
    const patch_distillation loss{1e-4, 1e-4, .9, centering};
    for (const std::vector<double>& rows : {std::vector<double>(8), {0, 0, 1, 2, 3, 4, -50, 90}}) {
      const auto found = run_tokens<fp32, 2>(loss, masked, 2, rows, rows);
      CHECK(detail::is_finite(found.value));
      for (const double each : found.gradient) CHECK(detail::is_finite(each));
    }
  }
}

TEST_CASE("patch distillation refuses other rows, a missing mask and hyper-parameters out of range") {
  const std::vector<double> rows(8, 1.), less(6, 1.);
  const auto refuses_tokens = [&](const std::vector<std::uint8_t>& masked, std::size_t images,
                                  const std::vector<double>& target) {
    CHECK_THROWS_AS((run_tokens<fp64, 2>(patch_distillation{}, masked, images, rows, target)),
                    std::invalid_argument);
  };
  refuses_tokens({}, 2, rows);
  refuses_tokens({1, 1, 1, 1}, 3, rows);
  refuses_tokens({1, 1, 1, 1}, 2, less);
  CHECK_THROWS_AS(patch_distillation{.teacher_temperature = 0}.check(), std::invalid_argument);
  CHECK_THROWS_AS(patch_distillation{.centre_momentum = -1}.check(), std::invalid_argument);
  CHECK_THROWS_AS(patch_distillation{.iterations = 0}.check(), std::invalid_argument);
}
