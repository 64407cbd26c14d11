// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <numeric>
#include <span>
#include <vector>

#include <pretext/core/context.hpp>
#include <pretext/core/view_groups.hpp>
#include <pretext/devices/cpu.hpp>
#include <pretext/layers/check_gradient.hpp>
#include <pretext/methods/concepts.hpp>
#include <pretext/training/detail/trained_table.hpp>
#include <pretext/training/initialise.hpp>

namespace pretext::inline v0_1 {

/// Checks every gradient of a method on `batch` random images, with weights near the initial ones and another
/// target. `prepare(memory, images)` runs before every evaluation, for methods with labels. In batches of few
/// images ReLUs and norms are steep: tolerate 1e-5.
template <class M,
          class Prepare = std::function<void(typename M::template memory<on<cpu, fp64>>&, std::size_t)>>
  requires Method<M, on<cpu, fp64>> gradient_check_result check_method(
      const M& method = {}, const gradient_check_options& how = {},
      const Prepare& prepare = [](auto&, std::size_t) {}) {
    using Context = on<cpu, fp64>;
    Context context{.stream = cpu::stream{how.threads}};
    typename M::template memory<Context> memory{};
    std::span<double> w{memory.value.data(), M::size}, dw{memory.gradient.data(), M::size};
    initialise<double>(M::parameters, how.seed, w.data());
    const auto noise = detail::normal_values(M::size, how.seed + 1, 0, .1);
    for (const parameter& p : M::parameters)
      if (p.role == parameter_role::trainable &&
          p.rank < 2)  // biases of 0 and factors of 0 or 1 hide mistakes
        for (std::size_t i = p.offset; i < p.offset + p.size(); ++i) w[i] += noise[i];
    if constexpr (requires { method.start(context, memory, how.seed); })
      method.start(context, memory, how.seed);
    if constexpr (M::has_target) {
      std::vector<double> other(M::size);
      initialise<double>(M::parameters, how.seed + 2, other.data());
      std::copy_n(other.begin(), memory.target_values.size(), memory.target_values.data());
    }
    using groups = detail::view_groups<view_shapes_of<M>, M::views>;
    typename groups::template owned<Context> pixels;
    const auto views = groups::resize(pixels, how.batch);
    auto seed = how.seed + 3;
    groups::for_each(views, [&](const auto& group) {
      const auto drawn = detail::normal_values(group.size(), seed++, .5, .3);
      std::copy(drawn.begin(), drawn.end(), group.data);
    });
    std::vector<std::uint64_t> samples(how.batch);
    std::iota(samples.begin(), samples.end(), std::uint64_t{0});
    const step_context step{.keys = {how.seed, 0, samples.data(), samples.size()},
                            .drop_path = how.drop_path};
    const auto value = [&]() -> double {
      prepare(memory, how.batch);
      return method.learn(context, memory, typename groups::template to_read<Context>{views}, step);
    };
    std::fill(dw.begin(), dw.end(), 0.0);
    value();
    const std::vector<double> gradient{dw.begin(), dw.end()};
    gradient_check_result result;
    for (const parameter& p : detail::trained_table(method))
      if (p.role == parameter_role::trainable && p.lr_multiplier > 0)
        detail::compare_with_differences(result, p.name(), w.subspan(p.offset, p.size()),
                                         std::span{gradient}.subspan(p.offset, p.size()), how.difference,
                                         how.weights, value);
    return result;
  }

}  // namespace pretext::inline v0_1
