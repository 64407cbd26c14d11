// Whole runs of methods/ijepa.hpp, which compares features of patches, beside those of its official code.
#include "methods/reference_run.hpp"

#include <pretext/kernels/cpu/parallel_for.hpp>
#include <pretext/kernels/cpu/shuffled_tokens.hpp>
#include <pretext/methods/ijepa.hpp>
#include <pretext/optimizers/adamw.hpp>

using namespace pretext;

namespace {

/// The context and the four targets of a case.
template <std::size_t Visible>
struct given_places {
  template <class Grid>
  using masks = context_and_targets<Grid, Visible, 4, 6>;
  const std::uint32_t *context = nullptr, *hidden = nullptr;

  friend bool operator==(const given_places&, const given_places&) = default;
  template <class Grid, class Context>
  masks<Grid> draw(Context&, std::size_t batch) const {
    return {context, hidden, batch};
  }
};

template <std::size_t Visible>
using ijepa_of = ijepa<shape<24, 24, 3>, vit<4, 24, 2, 3, ijepa_pretraining>, ijepa_predictor<12, 1, 3>,
                       given_places<Visible>>;

/// I-JEPA in the initial state of a case. The number of context tokens is a constant of the method and
/// changes from step to step of the case, so every step has a trainer of its own, in the state of the last.
template <class Context>
struct ijepa_run {
  using T = typename Context::activation;
  using first = ijepa_of<8>;
  template <std::size_t Visible>
  using trainer_of = trainer<ijepa_of<Visible>, Context, adamw>;

  const safetensors& file;
  double tolerance;
  trainer_of<8> learner{{}, optimizer, 1, cpu::stream{2}};
  static constexpr std::size_t encoder_rows = parameters_of<first::encoder, first::images>.size();
  std::span<const parameter> encoder_table{first::parameters.data(), encoder_rows};
  std::vector<parameter> predictor_table{first::parameters.begin() + encoder_rows, first::parameters.end()};

  ijepa_run(const safetensors& from, double within) : file{from}, tolerance{within} {
    auto& m = learner.memory();
    // The positions of a fresh network are the official ones.
    safetensors fresh;
    append_torch_tensors<T>(first::parameters, m.value.data(), "", fresh);
    for (const char* name : {"online.backbone.pos_embed", "predictor.predictor_pos_embed"})
      CHECK(tests::relative_difference(
                fresh.at(std::string{name}.substr(std::string{name}.rfind('.') + 1)).template as<T>(),
                file.at("before." + std::string{name}).as<double>()) < 1e-6);
    read_torch_tensors<T>(encoder_table, file, "before.online.backbone.", m.value.data());
    read_torch_tensors<T>(predictor_table, file, "before.predictor.", m.value.data());
    read_torch_tensors<T>(encoder_table, file, "before.target.backbone.", m.target_values.data());
  }

  void step(std::size_t k) {
    const std::size_t count = file.at("context." + std::to_string(k)).shape[1];
    bool compiled = false;
    const auto try_count = [&]<std::size_t Visible>(std::integral_constant<std::size_t, Visible>) {
      if (Visible == count) compiled = true, step_with<Visible>(k);
    };
    [&]<std::size_t... Visible>(std::index_sequence<Visible...>) {
      (try_count(std::integral_constant<std::size_t, Visible>{}), ...);
    }
    (std::index_sequence<5, 6, 8, 9, 10>{});
    REQUIRE_MESSAGE(compiled, "no test is compiled for a context of ", count, " patches");
  }
  auto gradients() { return tests::gradients_of<T>(first::parameters, learner.memory().gradient.data()); }
  /// Those of the case after the first step.
  auto first_gradients() {
    return tests::gradients_of(first::parameters, file, [&](const parameter& p) {
      const bool of_encoder = p.offset < first::trunk_size;
      return (of_encoder ? "grad.online.backbone." : "grad.predictor.") + std::string{p.name()};
    });
  }
  void end_agrees() {
    const auto& m = learner.memory();
    tests::tensors_agree(file, encoder_table, m.value.data(), "online.backbone.", tolerance);
    tests::tensors_agree<T>(file, predictor_table, m.value.data(), "predictor.", tolerance);
    tests::tensors_agree(file, encoder_table, m.target_values.data(), "target.backbone.", tolerance);
  }

 private:
  static constexpr adamw optimizer{.beta2 = 0.999};

  std::vector<std::uint32_t> places(const std::string& name) const {
    const auto numbers = file.at(name).template as<std::int64_t>();
    return {numbers.begin(), numbers.end()};
  }
  double at_step(const std::string& name, std::size_t k) const {
    return file.at(name).template as<double>()[k];
  }

  template <std::size_t Visible>
  void step_with(std::size_t k) {
    trainer_of<Visible> now{{}, optimizer, 1, cpu::stream{2}};
    tests::set_state(now, tests::state_of(learner));
    const auto which = "." + std::to_string(k);
    const auto pixels = tests::channels_last<T>(file.at("image" + which));
    const auto context = places("context" + which);
    std::vector<std::uint32_t> hidden;
    for (const char* name : {"target1", "target2", "target3", "target4"}) {
      const auto one = places(name + which);
      hidden.insert(hidden.end(), one.begin(), one.end());
    }
    now.method().masking = {context.data(), hidden.data()};
    const double loss = now.step({pixels.data(), pixels.size() / first::images::size},
                                 training_step{.learning_rate = at_step("rate", k),
                                               .target_momentum = at_step("target_momentum", k),
                                               .weight_decay = at_step("weight_decay", k)}),
                 expected = at_step("loss", k);
    CAPTURE(k);
    CHECK(std::abs(loss - expected) < tolerance * std::abs(expected));
    if (k == 0) {
      const auto& predicted = now.memory().predicted;
      CHECK(tests::relative_difference(std::vector<T>(predicted.data, predicted.data + predicted.size()),
                                       file.at("prediction.0").template as<double>()) < tolerance);
    }
    const T* const gradient = now.memory().gradient.data();
    std::copy_n(gradient, first::size, learner.memory().gradient.data());
    tests::set_state(learner, tests::state_of(now));
  }
};

}  // namespace

TEST_CASE("five steps of I-JEPA agree with its official code: predictions, gradients, both networks") {
  const auto file = tests::reference("ijepa_five_steps");
  using twice = ijepa_run<on<cpu, fp64>>;
  tests::lockstep(twice{file, 1e-9}, ijepa_run<on<cpu>>{file, 1e-4}, twice{file, 1e-3},
                  file.at("loss").shape[0]);
}
