#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <pretext/core/expects.hpp>
#include <pretext/core/parameter.hpp>
#include <pretext/io/safetensors.hpp>

namespace pretext {

namespace detail {

/// Where number i of a torch tensor lies in the flat buffer's layout.
inline std::size_t at_address(const parameter& p, std::size_t i) {
  if (p.layout == parameter_layout::torch) return i;
  const std::size_t area = p.extents[2] * p.extents[3], out = i / (p.extents[1] * area);
  return (i % area * p.extents[1] + i / area % p.extents[1]) * p.extents[0] + out;
}

}  // namespace detail

/// The tensors of a table in torch's names, extents and layouts; `prefix` is cut off the front of every path,
/// and tensors that do not have it are left out. Batch norm's `num_batches_tracked` is written beside its
/// statistics.
template <class W>
void append_torch_tensors(std::span<const parameter> table, const W* value, std::string_view prefix,
                          safetensors& file, std::int64_t steps = 0) {
  for (const parameter& p : table) {
    if (!p.name().starts_with(prefix)) continue;
    const std::string name{p.name().substr(prefix.size())};
    std::vector<W> numbers(p.size());
    for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = value[p.offset + detail::at_address(p, i)];
    auto tensor = safetensor::of<W>({p.extents.begin(), p.extents.begin() + std::ptrdiff_t(p.rank)}, numbers);
    file.tensors.insert_or_assign(name, std::move(tensor));
    if (constexpr std::string_view mean = "running_mean"; p.name().ends_with(mean)) {
      auto counter = safetensor::of<std::int64_t>({}, std::span{&steps, 1});
      file.tensors.insert_or_assign(name.substr(0, name.size() - mean.size()) + "num_batches_tracked",
                                    std::move(counter));
    }
  }
}

/// What a file held beside the table: names that nobody asked for (a classifier, counters) are not an error.
struct loaded_weights {
  std::size_t tensors = 0;
  std::vector<std::string> unused;
};

/// Reads a table's tensors from a file in torch's names and layouts, the path of each put behind `prefix`.
/// Throws std::runtime_error that names the file, the tensor and both shapes if one is missing or of another
/// shape.
template <class W>
loaded_weights read_torch_tensors(std::span<const parameter> table, const safetensors& file,
                                  std::string_view prefix, W* value) {
  loaded_weights result;
  std::vector<std::string> wanted;
  for (const parameter& p : table) {
    const std::string name = std::string{prefix} + std::string{p.name()};
    wanted.push_back(name);
    const auto found = file.tensors.find(name);
    if (found == file.tensors.end())
      throw_error<std::runtime_error>(file.origin, ": has no tensor \"", name, "\"");
    const safetensor& tensor = found->second;
    const std::vector<std::size_t> extents{p.extents.begin(), p.extents.begin() + std::ptrdiff_t(p.rank)};
    if (tensor.shape != extents)
      throw_error<std::runtime_error>(file.origin, ": \"", name, "\" has shape ", tensor.shape_text(),
                                      " where ", safetensor{"F32", extents, {}}.shape_text(),
                                      " is needed; it was made for another encoder");
    const std::vector<W> numbers = tensor.template as<W>();
    for (std::size_t i = 0; i < numbers.size(); ++i) value[p.offset + detail::at_address(p, i)] = numbers[i];
    ++result.tensors;
  }
  std::ranges::sort(wanted);
  for (const auto& [name, tensor] : file.tensors)
    if (!std::ranges::binary_search(wanted, name)) result.unused.push_back(name);
  return result;
}

}  // namespace pretext
