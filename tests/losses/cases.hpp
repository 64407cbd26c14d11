#pragma once
#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include <pretext/core/context.hpp>
#include <pretext/devices/cpu.hpp>

#include "support/reference.hpp"

namespace pretext::tests {

/// The tensors `names` of a case, (n, D) each, stacked.
template <class T>
std::vector<T> stacked(const safetensors& file, const std::vector<std::string>& names) {
  std::vector<T> rows;
  for (const std::string& name : names) {
    const auto part = file.at(name).as<T>();
    rows.insert(rows.end(), part.begin(), part.end());
  }
  return rows;
}

/// The value and the gradient of a loss in a case agree with those of `label`, in double and in float. `z`
/// are the names of the tensors that have gradients, one for each view; `others` of those that the loss
/// compares them with, if there are any.
template <class Loss>
void agrees_with_case(const Loss& loss, const safetensors& file, const std::string& label,
                      const std::vector<std::string>& z = {"z1", "z2"},
                      const std::vector<std::string>& others = {}) {
  CAPTURE(label);
  const std::size_t width = file.at(z[0]).shape[1];
  bool compiled = false;
  const auto compare = [&]<class Numerics, std::size_t D>(Numerics, std::index_sequence<D>,
                                                          double tolerance) {
    using Context = on<cpu, Numerics>;
    using T = typename Context::activation;
    if (D != width) return;
    compiled = true;
    Context context{.stream = cpu::stream{2}};
    const auto rows = stacked<T>(file, z), compared = stacked<T>(file, others);
    std::vector<T> gradient(rows.size(), T(.25));
    const std::size_t n = rows.size() / D;
    double value;
    if constexpr (requires(reads<Context, shape<D>> r, writes<Context, shape<D>> w) { loss(context, r, w); })
      value = loss(context, reads<Context, shape<D>>{rows.data(), n},
                   writes<Context, shape<D>>{gradient.data(), n});
    else
      value =
          loss(context, reads<Context, shape<D>>{rows.data(), n},
               reads<Context, shape<D>>{compared.data(), n}, writes<Context, shape<D>>{gradient.data(), n});
    const double expected = file.at(label).as<double>()[0];
    CHECK(std::abs(value - expected) <= tolerance * std::max(1., std::abs(expected)));
    for (T& element : gradient) element -= T(.25);
    std::vector<std::string> slopes;
    for (const std::string& name : z) slopes.push_back(label + ".grad." + name);
    CHECK(relative_difference(gradient, stacked<double>(file, slopes)) < tolerance);
  };
  [&]<std::size_t... D>(std::index_sequence<D...>) {
    (compare(fp64{}, std::index_sequence<D>{}, 1e-10), ...);
    (compare(fp32{}, std::index_sequence<D>{}, 2e-5), ...);
  }
  (std::index_sequence<6, 9>{});
  CHECK_MESSAGE(compiled, "no test is compiled for rows of ", width);
}

}  // namespace pretext::tests
