#include <doctest/doctest.h>

#include <pretext/kernels/cpu/for_each_row.hpp>
#include <pretext/kernels/cpu/gemm.hpp>
#include <pretext/losses/check_loss.hpp>
#include <pretext/losses/self_distillation.hpp>

#include "losses/batch_cases.hpp"

using namespace pretext;
using namespace pretext::tests;

TEST_CASE("self-distillation agrees with the official DINO in three steps with one centre") {
  const auto file = tests::reference("loss_dino");
  const auto number = [&](const char* name) { return hyper_parameter(file, name).get<double>(); };
  const double warm = number("warmup_teacher_temperature"), last = number("teacher_temperature"),
               warmup = number("warmup_epochs");
  const auto epochs = hyper_parameter(file, "epochs").get<std::vector<double>>();
  const self_distillation loss{number("student_temperature"), last, number("centre_momentum")};
  state_values state;
  for (std::size_t i = 0; i < epochs.size(); ++i) {
    const std::string call = std::to_string(i), student = "student" + call, teacher = "teacher" + call;
    const double e = epochs[i];
    state = agrees_with_batch<7, 8>(loss, file, "call" + call,
                                    {.p = {student + "_0", student + "_1", student + "_2", student + "_3"},
                                     .target = {teacher + "_0", teacher + "_1"},
                                     .state = state,
                                     .value = e < warmup ? warm + (last - warm) * e / (warmup - 1) : -1})
                .state;
    CHECK(relative_difference(state.at("centre"), file.at("centre" + call).as<double>()) < 1e-13);
  }
}

TEST_CASE("self-distillation with Sinkhorn's algorithm agrees with the official DINOv2") {
  const auto file = tests::reference("loss_dino_v2");
  const self_distillation loss{
      .student_temperature = hyper_parameter(file, "student_temperature").get<double>(),
      .teacher_temperature = hyper_parameter(file, "teacher_temperature").get<double>(),
      .centering = teacher_centering::sinkhorn,
      .iterations = hyper_parameter(file, "iterations").get<std::size_t>()};
  const auto found = agrees_with_batch<7>(
      loss, file, "cls", {.p = {"student1", "student2", "local1", "local2"}, .target = {"teacher"}});
  CHECK(found.state.empty());
}

TEST_CASE("the self-distillation of two samples is that of the formula") {
  CHECK(run_batch<fp64, 2>(self_distillation{}, 2, {.7, .8, .9, 1, 1.1, 1.2, .2, .1},
                           {.1, .2, .3, .4, .5, .6, .1, .3})
            .value == doctest::Approx(.5838994452546051).epsilon(1e-13));
}

TEST_CASE("the gradient of self-distillation matches finite differences and is added, for any views") {
  for (const teacher_centering centering : {teacher_centering::centre, teacher_centering::sinkhorn})
    for (const loss_check_batch& of :
         {loss_check_batch{4, 2}, loss_check_batch{1, 1, 1}, loss_check_batch{3, 2, 2}}) {
      const auto found =
          check_loss<7>(self_distillation{.centering = centering}, of, {.batch = 3 * of.views, .threads = 2});
      CHECK_MESSAGE(found.error < 1e-6, found.text());
    }
}

TEST_CASE("self-distillation is finite for rows of zeros and a tiny temperature") {
  stays_finite<5>(self_distillation{}, 3, 2);
  stays_finite<5>(self_distillation{.student_temperature = 1e-4, .teacher_temperature = 1e-4}, 3, 2);
  stays_finite<5>(self_distillation{.teacher_temperature = 1e-4, .centering = teacher_centering::sinkhorn}, 3,
                  2);
}

TEST_CASE("self-distillation refuses a single view for both networks, and hyper-parameters out of range") {
  const std::vector<double> z(8, 1.);
  refuses<2>(self_distillation{}, 4, z, z);
  refuses<2>(self_distillation{}, 4, z);
  CHECK_THROWS_AS(self_distillation{.teacher_temperature = 0}.check(), std::invalid_argument);
  CHECK_THROWS_AS(self_distillation{.centre_momentum = 1}.check(), std::invalid_argument);
  CHECK_THROWS_AS(self_distillation{.iterations = 0}.check(), std::invalid_argument);
}

TEST_CASE("NaN among the rows makes the loss NaN") {
  for (const teacher_centering centering : {teacher_centering::centre, teacher_centering::sinkhorn})
    passes_nan_on<5>(self_distillation{.centering = centering}, 3, 2);
}
