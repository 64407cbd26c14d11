// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <pretext/core/expects.hpp>
#include <pretext/core/is_finite.hpp>
#include <pretext/core/parameter.hpp>
#include <pretext/io/safetensors.hpp>
#include <pretext/io/utf8.hpp>

namespace pretext::inline v0_1 {

namespace detail {

/// The index of element i of a PyTorch tensor in the layout of the flat buffer.
inline std::size_t flat_index(const parameter& p, std::size_t i) {
  if (p.layout == parameter_layout::torch) return i;
  const std::size_t area = p.extents[2] * p.extents[3], out = i / (p.extents[1] * area);
  return (i % area * p.extents[1] + i / area % p.extents[1]) * p.extents[0] + out;
}

}  // namespace detail

/// Adds the tensors of a table to `file` with PyTorch's names, extents and layouts. `prefix` is removed from
/// every path, and parameters without it are skipped. Batch norm's `num_batches_tracked`, `steps`,
/// accompanies its statistics. Throws std::invalid_argument if no parameter has the prefix or if two have the
/// same name, of which a file could store only one.
template <class W>
void append_torch_tensors(std::span<const parameter> table, const W* value, std::string_view prefix,
                          safetensors& file, std::int64_t steps = 0) {
  std::vector<std::string_view> names;
  for (const parameter& p : table)
    if (p.name().starts_with(prefix)) names.push_back(p.name());
  expects(table.empty() || !names.empty(), "append_torch_tensors: no parameter's name begins with ",
          detail::quote(std::string{prefix}), "; the first is ",
          detail::quote(std::string{table.empty() ? "" : table[0].name()}));
  std::ranges::sort(names);
  const auto twin = std::ranges::adjacent_find(names);
  expects(twin == names.end(), "append_torch_tensors: two parameters are called ",
          detail::quote(std::string{twin == names.end() ? "" : *twin}),
          ", and a file stores only one of them; give their layers different names with named<>");
  for (const parameter& p : table) {
    if (!p.name().starts_with(prefix)) continue;
    const std::string name{p.name().substr(prefix.size())};
    std::vector<W> values(p.size());
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = value[p.offset + detail::flat_index(p, i)];
    auto tensor = safetensor::of<W>({p.extents.begin(), p.extents.begin() + std::ptrdiff_t(p.rank)}, values);
    file.tensors.insert_or_assign(name, std::move(tensor));
    if (constexpr std::string_view mean = "running_mean"; p.name().ends_with(mean)) {
      auto counter = safetensor::of<std::int64_t>({}, std::span{&steps, 1});
      file.tensors.insert_or_assign(name.substr(0, name.size() - mean.size()) + "num_batches_tracked",
                                    std::move(counter));
    }
  }
}

/// The result of reading a table from a file. Unused tensors (a classifier, counters) are not an error.
struct loaded_weights {
  std::size_t tensors = 0;          ///< read
  std::vector<std::string> unused;  ///< names of the others
};

namespace detail {

/// The values of the tensor `name`, with the extents of `p`. Throws std::runtime_error with the file and the
/// tensor if it is missing, has another shape, or holds values that are no finite W.
template <class W>
std::vector<W> torch_tensor(const parameter& p, const safetensors& file, const std::string& name) {
  const auto reject = [&](const auto&... fault) {
    throw_error<std::runtime_error>(file.origin, ": ", fault...);
  };
  const auto found = file.tensors.find(name);
  if (found == file.tensors.end()) reject("has no tensor ", quote(name), "; it was made for another encoder");
  const safetensor& tensor = found->second;
  const std::vector<std::size_t> extents{p.extents.begin(), p.extents.begin() + std::ptrdiff_t(p.rank)};
  if (tensor.shape != extents)
    reject(quote(name), " has shape ", tensor.shape_text(), ", the encoder needs ",
           safetensor{"F32", extents, {}}.shape_text(), "; it was made for another encoder");
  auto values = file.as<W>(name);
  const auto not_finite = std::ranges::find_if_not(values, [](W value) { return is_finite(value); });
  if (not_finite != values.end())
    reject(quote(name), " holds NaN or infinity, first in element ", not_finite - values.begin(),
           "; the training that wrote it diverged, or the file is damaged");
  return values;
}

}  // namespace detail

/// Reads the tensors of a table from a file with PyTorch's layouts; the name of each is `prefix` and its
/// path. Throws std::runtime_error with the file and the tensor, and writes nothing, if one is missing, has
/// another shape (the message has both), has a dtype that cannot be converted, or holds NaN or infinity.
template <class W>
loaded_weights read_torch_tensors(std::span<const parameter> table, const safetensors& file,
                                  std::string_view prefix, W* value) {
  loaded_weights result;
  std::vector<std::string> wanted;
  std::vector<std::vector<W>> tensors;
  for (const parameter& p : table) {
    wanted.push_back(std::string{prefix} + std::string{p.name()});
    tensors.push_back(detail::torch_tensor<W>(p, file, wanted.back()));
  }
  for (std::size_t k = 0; k < table.size(); ++k)
    for (std::size_t i = 0; i < tensors[k].size(); ++i)
      value[table[k].offset + detail::flat_index(table[k], i)] = tensors[k][i];
  result.tensors = table.size();
  std::ranges::sort(wanted);
  for (const auto& [name, tensor] : file.tensors)
    if (!std::ranges::binary_search(wanted, name)) result.unused.push_back(name);
  return result;
}

}  // namespace pretext::inline v0_1
