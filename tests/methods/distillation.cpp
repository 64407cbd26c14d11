// Tests of distillation.hpp, and of io/read_teacher.hpp.
#include <pretext/methods/distillation.hpp>

#include "support/gradient_check.hpp"
#include "support/temporary_folder.hpp"
#include "support/thin_trunk.hpp"

#include <cmath>
#include <memory>
#include <vector>

#include <pretext/cpu.hpp>
#include <pretext/encoders/vit.hpp>
#include <pretext/io/read_teacher.hpp>
#include <pretext/optimizers/sgd.hpp>
#include <pretext/training/check_method.hpp>
#include <pretext/training/trainer.hpp>

using namespace pretext;

namespace {

using images = shape<8, 8, 3>;
using trunk = tests::thin_trunk<basic_block, 4>;
using vision = vit<4, 12, 2, 2>;
using small = distillation<images, encoder<trunk>, teacher<vision>>;
using smooth = distillation<images, encoder<trunk>, teacher<vision>, loss<feature_regression>>;
/// The other way round: a teacher with batch norm.
using from_trunk = distillation<images, encoder<vision>, teacher<trunk>>;

/// Weights whose factors and statistics are none of 0 and 1.
template <class Teacher>
std::shared_ptr<const std::vector<float>> some_weights() {
  constexpr const auto& table = parameters_of<Teacher, images>;
  std::vector<float> values(parameter_count(table));
  initialise<float>(table, 9, values.data());
  for (const parameter& p : table)
    for (std::size_t i = 0; p.rank == 1 && i < p.size(); ++i)
      values[p.offset + i] =
          .5f * values[p.offset + i] + .25f + .5f * random_key{9, 0, p.offset + i}.uniform(0);
  return std::make_shared<const std::vector<float>>(std::move(values));
}

std::vector<float> some_pixels(std::size_t n) {
  const auto drawn = tests::normal_numbers(n * images::size, 3);
  return {drawn.begin(), drawn.end()};
}

}  // namespace

static_assert(small::embedding::size == 12);
static_assert(small::size == weight_count<trunk, images> + 12 * (output_of<trunk, images>::size + 1),
              "the teacher belongs to no parameter");
static_assert(Method<small, on<cpu>>);

TEST_CASE("every gradient of a distillation matches finite differences, by the cosine and by smooth L1") {
  const gradient_check_options how{.batch = 3, .weights = 5, .seed = 3};
  for (const auto& found :
       {check_method(small{.teacher_weights = some_weights<vision>()}, how),
        check_method(smooth{.loss = {.beta = .5}, .teacher_weights = some_weights<vision>()}, how),
        check_method(from_trunk{.teacher_weights = some_weights<trunk>()}, how)}) {
    CHECK_MESSAGE(found.error < 1e-5, found.text());
    CHECK(found.compared > 50);
  }
}

TEST_CASE_TEMPLATE("the teacher's features are those of inference, and steps do not change them",
                   Distillation, small, from_trunk) {
  using teacher_type = typename Distillation::teacher;
  using wanted = typename Distillation::embedding;
  const auto weights_of_teacher = some_weights<teacher_type>();
  auto copy = *weights_of_teacher;
  const auto pixels = some_pixels(6);
  on<cpu> context;
  std::vector<float> expected(6 * wanted::size);
  infer_network<teacher_type>(context, copy.data(), reads<on<cpu>, images>{pixels.data(), 6},
                              writes<on<cpu>, wanted>{expected.data(), 6});

  trainer<Distillation, on<cpu>, sgd> learner{{.teacher_weights = weights_of_teacher}, {}, 3};
  for (int step = 0; step < 3; ++step) {
    learner.step({pixels.data(), 6}, training_step{.learning_rate = .1});
    const auto found = learner.memory().wanted;
    for (std::size_t i = 0; i < expected.size(); ++i)
      CHECK(found.data[i] == doctest::Approx(expected[i]).epsilon(1e-4));
  }
}

TEST_CASE("the student learns the teacher's features") {
  trainer<small, on<cpu>, sgd> learner{{.teacher_weights = some_weights<vision>()}, {.momentum = .9}, 3};
  const auto pixels = some_pixels(16);
  double first = 0, last = 0;
  for (int step = 0; step < 60; ++step) {
    last = learner.step({pixels.data(), 16}, training_step{.learning_rate = .05});
    if (step == 0) first = last;
  }
  CHECK(first > -.9);
  CHECK(last < -.97);
}

TEST_CASE("a distillation without its teacher's weights, or with another's, says what to do") {
  using learner = trainer<small, on<cpu>, sgd>;
  CHECK_THROWS_WITH_AS(learner{}, doctest::Contains("set teacher_weights, for example to read_teacher"),
                       std::invalid_argument);
  const small other{.teacher_weights = some_weights<trunk>()};
  CHECK_THROWS_WITH_AS(learner{other}, doctest::Contains("but the teacher<> has"), std::invalid_argument);
}

TEST_CASE("a teacher is read from a file behind any prefix, and a missing tensor is named") {
  const temporary_folder folder;
  const auto weights_of_teacher = some_weights<vision>();
  safetensors unprefixed, file;
  append_torch_tensors<float>(parameters_of<vision, images>, weights_of_teacher->data(), "", unprefixed);
  for (auto& [name, tensor] : unprefixed.tensors) file.tensors.emplace("backbone." + name, tensor);
  write_safetensors(folder / "teacher.safetensors", file);
  CHECK(*read_teacher<vision, images>(folder / "teacher.safetensors") == *weights_of_teacher);
  file.tensors.erase("backbone.blocks.1.mlp.fc2.bias");
  write_safetensors(folder / "teacher.safetensors", file);
  CHECK_THROWS_WITH_AS((read_teacher<vision, images>(folder / "teacher.safetensors")),
                       doctest::Contains("blocks.1.mlp.fc2.bias"), std::runtime_error);
}
