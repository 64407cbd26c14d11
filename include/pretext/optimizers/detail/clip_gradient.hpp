// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include <pretext/core/arena.hpp>
#include <pretext/core/host_device.hpp>
#include <pretext/core/parameter.hpp>
#include <pretext/core/tensor.hpp>
#include <pretext/kernels/for_each_row.hpp>
#include <pretext/kernels/optimize.hpp>

// Clipping is four passes, the same code on every device: sums of squares per chunk of the flat gradient,
// then per tensor, then the factor of each tensor from the sums of all that share its norm, then the product.
namespace pretext::inline v0_1 {

/// Whose gradients have a norm together: those of each tensor (DINO, iBOT), those of parameters whose paths
/// have the same first component, such as `backbone` (DINOv2), or all (torch's clip_grad_norm_).
enum class clip_by { tensor, module, whole };

}  // namespace pretext::inline v0_1

namespace pretext::inline v0_1::detail {

/// What clipping knows of a table: its chunks, those of each row, and each row's module.
template <class Device>
struct clip_plan {
  kernels::parameter_chunks<Device> chunks;
  buffer<std::uint32_t, Device> first_chunk;  ///< of each row, and at the end the number of chunks
  buffer<std::uint32_t, Device> module;       ///< of each row

  explicit clip_plan(std::span<const parameter> table)
      : chunks{table}, first_chunk{table.size() + 1}, module{table.size()} {
    std::vector<std::uint32_t> firsts{0}, modules;
    std::vector<std::string_view> known;
    for (const parameter& p : table) {
      firsts.push_back(firsts.back() + static_cast<std::uint32_t>(kernels::chunks_of(p)));
      const std::string_view first = p.name().substr(0, p.name().find('.'));
      const auto found = std::find(known.begin(), known.end(), first);
      modules.push_back(static_cast<std::uint32_t>(found - known.begin()));
      if (found == known.end()) known.push_back(first);
    }
    const typename Device::stream stream{};
    Device::write(stream, first_chunk.data(), firsts.data(), firsts.size());
    Device::write(stream, module.data(), modules.data(), modules.size());
  }
};

/// Σ g² of a chunk.
template <class W>
struct chunk_squares {
  const kernels::parameter_chunk* list;
  const W* g;
  double* squares;

  template <class Team>
  PRETEXT_HOST_DEVICE void operator()(std::size_t chunk, const Team& team) const {
    const kernels::parameter_chunk p = list[chunk];
    const W* const from = g + p.first;
    const double sum = team.sum(p.count, [&](std::size_t i) {
      const auto value = static_cast<double>(from[i]);
      return value * value;
    });
    team.each(1, [&](std::size_t) { squares[chunk] = sum; });
  }
};

/// Σ g² of a tensor, from the sums of its chunks.
struct tensor_squares {
  const std::uint32_t* first_chunk;
  const double* of_chunk;
  double* squares;

  template <class Team>
  PRETEXT_HOST_DEVICE void operator()(std::size_t row, const Team& team) const {
    const double* const from = of_chunk + first_chunk[row];
    const double sum =
        team.sum(first_chunk[row + 1] - first_chunk[row], [&](std::size_t i) { return from[i]; });
    team.each(1, [&](std::size_t) { squares[row] = sum; });
  }
};

/// norm / (‖g‖ + 1e-6) of the tensors that share a norm, for each tensor.
struct clip_factors {
  double norm;
  clip_by by;
  std::size_t rows;
  const std::uint32_t* module;
  const double* squares;
  double* factor;

  template <class Team>
  PRETEXT_HOST_DEVICE void operator()(std::size_t row, const Team& team) const {
    double sum = squares[row];
    if (by != clip_by::tensor) {
      const bool all = by == clip_by::whole;
      sum = team.sum(rows, [&](std::size_t other) {
        return all || module[other] == module[row] ? squares[other] : 0.0;
      });
    }
    team.each(1, [&](std::size_t) { factor[row] = norm / (std::sqrt(sum) + 1e-6); });
  }
};

/// g = factor·g where the factor of the tensor is less than 1.
template <class W>
struct scale_chunk {
  const kernels::parameter_chunk* list;
  const double* factor;
  W* g;

  template <class Team>
  PRETEXT_HOST_DEVICE void operator()(std::size_t chunk, const Team& team) const {
    const kernels::parameter_chunk p = list[chunk];
    if (!(factor[p.row] < 1)) return;
    const W by = static_cast<W>(factor[p.row]);
    W* const to = g + p.first;
    team.each(p.count, [&](std::size_t i) { to[i] *= by; });
  }
};

/// Clips the gradient in place.
template <class Context, class W, class Device = typename Context::device>
void clip_gradient(Context& context, const clip_plan<Device>& plan, double norm, clip_by by, W* g) {
  const arena_scope guard{context.workspace};
  const std::size_t rows = plan.chunks.rows, chunks = plan.chunks.list.size();
  const kernels::parameter_chunk* const list = plan.chunks.list.data();
  double* const of_chunk = context.workspace.template allocate<double>(chunks);
  double* const of_tensor = context.workspace.template allocate<double>(rows);
  double* const factor = context.workspace.template allocate<double>(rows);
  using each = kernels::for_each_row<Device>;
  each::run(context, chunks, chunk_squares<W>{list, g, of_chunk});
  each::run(context, rows, tensor_squares{plan.first_chunk.data(), of_chunk, of_tensor});
  each::run(context, rows, clip_factors{norm, by, rows, plan.module.data(), of_tensor, factor});
  each::run(context, chunks, scale_chunk<W>{list, factor, g});
}

}  // namespace pretext::inline v0_1::detail
