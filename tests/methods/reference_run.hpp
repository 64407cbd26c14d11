#pragma once
// Runs a method beside a case that other people's code has computed.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <pretext/core/view_groups.hpp>
#include <pretext/kernels/cpu/for_each_row.hpp>
#include <pretext/kernels/cpu/optimize.hpp>
#include <pretext/optimizers/lars.hpp>
#include <pretext/optimizers/sgd.hpp>
#include <pretext/training/trainer.hpp>

#include "support/gradient_check.hpp"
#include "support/lockstep.hpp"
#include "support/thin_trunk.hpp"

namespace pretext::tests {

/// The views `name` 1 to `count` of a step, stacked, channels last.
template <class T>
std::vector<T> views_of_step(const safetensors& file, const std::string& name, std::size_t count,
                             std::size_t k) {
  std::vector<T> all;
  for (std::size_t view = 1; view <= count; ++view) {
    const auto one = channels_last<T>(file.at(name + std::to_string(view) + "." + std::to_string(k)));
    all.insert(all.end(), one.begin(), one.end());
  }
  return all;
}

/// Compares the end of a run with the tensors `module` of the case. A tensor whose gradient is nothing but
/// rounding wanders under AdamW: biases that the case lists, and those of keys, which softmax does not see.
template <class T>
void tensors_agree(const safetensors& file, std::span<const parameter> table, const T* value,
                   const std::string& module, double tolerance) {
  const auto vanishing = hyper_parameter(file, "vanishing_gradients").get<std::vector<std::string>>();
  safetensors ours;
  append_torch_tensors<T>(table, value, "", ours);
  for (const parameter& p : table) {
    const std::string name{p.name()};
    CAPTURE(name);
    if (std::ranges::find(vanishing, module + name) != vanishing.end()) continue;
    auto found = ours.at(name).template as<T>();
    auto expected = file.at("after." + module + name).template as<double>();
    if (name.ends_with("qkv.bias")) {
      const auto third = std::ptrdiff_t(found.size() / 3);
      std::fill(found.begin() + third, found.begin() + 2 * third, T(0));
      std::fill(expected.begin() + third, expected.begin() + 2 * third, 0.0);
    }
    CHECK(relative_difference(found, expected) < tolerance);
  }
}

/// A method in the initial state of a case, whose tensors give the values of every step.
template <class Method, class Context, class Optimizer>
struct reference_run {
  using T = typename Context::activation;
  using images = typename Method::images;

  const safetensors& file;
  double tolerance;
  trainer<Method, Context, Optimizer> learner;
  // With a target the file has encoder and projector in one module, what the target lacks in another.
  std::span<const parameter> embedding{
      Method::parameters.begin(),
      std::size_t(std::ranges::count_if(Method::parameters,
                                        [](const parameter& p) { return p.offset < Method::trunk_size; }))};
  std::vector<parameter> prediction{Method::parameters.begin() + std::ptrdiff_t(embedding.size()),
                                    Method::parameters.end()};
  std::string online = Method::has_target ? "online." : "";

  reference_run(const safetensors& from, double within, const Method& method, const Optimizer& optimizer)
      : file{from}, tolerance{within}, learner{method, optimizer, 1, cpu::stream{2}} {
    for (parameter& p : prediction) {  // these have names of their own
      const std::size_t offset = p.offset;
      if (p.name() == "prediction_head.weight")
        p = parameter{"prototypes.weight", {p.extents[0], p.extents[1]}, p.init};
      if (p.name() == "backbone.mask_token")
        p = parameter{file.tensors.contains("before.online.backbone.mask_token")
                          ? "online.backbone.mask_token"
                          : "online.backbone.masked_embed",
                      {p.extents[0], p.extents[1]},
                      p.init};
      p.offset = offset;
    }
    auto& m = learner.memory();
    read_torch_tensors<T>(embedding, file, "before." + online, m.value.data());
    read_torch_tensors<T>(prediction, file, "before.", m.value.data());
    if constexpr (Method::has_target)
      read_torch_tensors<T>(embedding, file, "before.target.", m.target_values.data());
    m.loss_state.for_each_buffer([&]<class B>(std::string_view name, B* data, std::size_t count) {
      const std::string stored = "before." + std::string{name};
      if (!file.tensors.contains(stored)) return;
      const auto values = file.at(stored).template as<B>();
      REQUIRE(values.size() == count);
      std::copy(values.begin(), values.end(), data);
    });
  }

  double at_step(const std::string& name, std::size_t k) const {
    return file.at(name).template as<double>()[k];
  }
  void step(std::size_t k) {
    training_step values{.learning_rate = at_step("rate", k)};
    if (Method::has_target && file.tensors.contains("target_momentum"))
      values.target_momentum = at_step("target_momentum", k);
    if (file.tensors.contains("rate_of_the_predictor"))
      values.groups[0].learning_rate = at_step("rate_of_the_predictor", k);
    if (file.tensors.contains("weight_decay")) values.weight_decay = at_step("weight_decay", k);
    if (file.tensors.contains("teacher_temperature")) values.loss.of[0] = at_step("teacher_temperature", k);
    if (file.tensors.contains("teacher_patch_temperature"))
      values.loss.of[1] = at_step("teacher_patch_temperature", k);
    // DINOv2's case says in words that its last layers have rate 0 in the first step.
    if (file.metadata.contains("patch_prototypes") && k == 0) values.groups[0].learning_rate = 0;
    for (const char* frozen : {"frozen_steps", "frozen_last_layer_steps"})
      if (file.metadata.contains(frozen))
        values.groups[0].frozen = double(k) < hyper_parameter(file, frozen).template get<double>();
    if constexpr (requires { learner.memory().labels; })
      if (const auto labels = "labels." + std::to_string(k); file.tensors.contains(labels)) {
        const auto classes = file.at(labels).template as<std::int64_t>();
        learner.memory().labels = buffer<std::int64_t, cpu>{classes.size()};
        std::copy(classes.begin(), classes.end(), learner.memory().labels.data());
      }
    if constexpr (requires { learner.method().masking.given; }) {
      flags = file.at("mask." + std::to_string(k)).template as<std::uint8_t>();
      learner.method().masking.given = flags.data();
    }
    if constexpr (requires { learner.memory().loss_state.directions; }) {
      auto& sketch = learner.memory().loss_state;
      const auto& columns = file.at("directions." + std::to_string(k));
      const auto given = columns.template as<T>();
      const std::size_t width = columns.shape[0], slices = columns.shape[1];
      sketch.draws = false;
      for (std::size_t i = 0; i < given.size(); ++i)
        sketch.directions.data()[i % slices * width + i / slices] = given[i];
    }
    const double loss = learner.step(views(k), values), expected = at_step("loss", k);
    CAPTURE(k);
    CHECK(std::abs(loss - expected) < tolerance * std::abs(expected));
  }
  auto gradients() { return gradients_of<T>(Method::parameters, learner.memory().gradient.data()); }
  /// Those of the case after the first step.
  auto first_gradients() {
    const auto ours = gradients();
    std::vector<parameter> names{embedding.begin(), embedding.end()};
    names.insert(names.end(), prediction.begin(), prediction.end());
    std::vector<std::vector<double>> all;
    for (std::size_t row = 0; row < names.size(); ++row) {
      if (names[row].role != parameter_role::trainable) continue;
      const auto name = "grad." + (row < embedding.size() ? online : "") + std::string{names[row].name()};
      // A tensor that is frozen in the first step has no gradient in the case.
      all.push_back(file.tensors.contains(name) ? file.at(name).template as<double>() : ours[all.size()]);
    }
    return all;
  }
  void end_agrees() {
    auto& m = learner.memory();
    tensors_agree(embedding, m.value.data(), online);
    tensors_agree(prediction, m.value.data(), "");
    if constexpr (Method::has_target) tensors_agree(embedding, m.target_values.data(), "target.");
    m.loss_state.for_each_buffer([&]<class B>(std::string_view name, B* data, std::size_t count) {
      const std::string stored = "after." + std::string{name};
      if (!file.tensors.contains(stored)) return;
      CAPTURE(stored);
      CHECK(relative_difference(std::vector<B>(data, data + count), file.at(stored).template as<double>()) <
            tolerance);
    });
  }

 private:
  void tensors_agree(std::span<const parameter> table, const T* value, const std::string& module) {
    tests::tensors_agree(file, table, value, module, tolerance);
  }

  using groups = detail::view_groups<typename Method::view_shapes, Method::views>;

  /// The views of step k, valid until the next call.
  typename groups::template to_read<Context> views(std::size_t k) {
    if constexpr (groups::count == 1) {
      pixels[0] = views_of_step<T>(file, "view", Method::views, k);
      return {pixels[0].data(), pixels[0].size() / images::size};
    } else {
      pixels[0] = views_of_step<T>(file, "view", groups::views_of[0], k);
      pixels[1] = views_of_step<T>(file, "local", groups::views_of[1], k);
      using local = typename groups::template shape_of<1>;
      return {reads<Context, images>{pixels[0].data(), pixels[0].size() / images::size},
              reads<Context, local>{pixels[1].data(), pixels[1].size() / local::size}};
    }
  }
  std::vector<T> pixels[2];
  std::vector<std::uint8_t> flags;
};

/// Runs the case `name` with the method that `Method<Side>` is for global views of that many pixels, one of
/// `Sides`; `configure(method, number)` sets hyper-parameters.
template <template <std::size_t> class Method, std::size_t... Sides, class Optimizer, class Configure>
void run_agrees(const std::string& name, const Optimizer& optimizer, const Configure& configure) {
  CAPTURE(name);
  const auto file = reference(name);
  const auto number = [&](const char* key) { return hyper_parameter(file, key).template get<double>(); };
  const auto with = [&]<std::size_t Side>(std::integral_constant<std::size_t, Side>) {
    using method = Method<Side>;
    method configured{};
    configure(configured, number);
    using twice = reference_run<method, on<cpu, fp64>, Optimizer>;
    lockstep(twice{file, 1e-9, configured, optimizer},
             reference_run<method, on<cpu>, Optimizer>{file, 1e-4, configured, optimizer},
             twice{file, 1e-3, configured, optimizer}, file.at("loss").shape[0]);
  };
  const auto side = file.at("view1.0").shape[2];
  bool compiled = false;
  const auto try_side = [&]<std::size_t Side>(std::integral_constant<std::size_t, Side> its) {
    if (Side == side) compiled = true, with(its);
  };
  if constexpr (sizeof...(Sides) > 0)
    (try_side(std::integral_constant<std::size_t, Sides>{}), ...);
  else
    try_side(std::integral_constant<std::size_t, 8>{}), try_side(std::integral_constant<std::size_t, 12>{});
  CHECK_MESSAGE(compiled, "no test is compiled for images of ", side, " pixels");
}

inline lars official_lars(const std::string& name) {
  const auto file = reference(name);
  const auto number = [&](const char* key) { return hyper_parameter(file, key).template get<double>(); };
  lars optimizer{.momentum = number("momentum"),
                 .weight_decay = number("weight_decay"),
                 .trust_coefficient = number("trust_coefficient"),
                 .variant = lars_variant::byol};
  if (file.tensors.contains("rate_of_biases_and_norms"))
    optimizer.excluded_rate =
        file.at("rate_of_biases_and_norms").as<double>().back() / file.at("rate").as<double>().back();
  return optimizer;
}

inline sgd torch_sgd(const std::string& name) {
  const auto file = reference(name);
  const auto number = [&](const char* key) { return hyper_parameter(file, key).template get<double>(); };
  return {.momentum = number("momentum"), .weight_decay = number("weight_decay"), .decay_all = true};
}

}  // namespace pretext::tests
