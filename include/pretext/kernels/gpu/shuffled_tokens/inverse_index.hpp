// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>

#include <pretext/devices/grid/kernel.hpp>
#include <pretext/kernels/index_list.hpp>

namespace pretext::inline v0_1::grid {

/// The inverse of an index list: for each patch its rank in the list. With it each thread gathers its
/// patch's gradient, and no two threads add to the same element.
struct inverse_index {
  std::size_t patches = 0, count = 0;
  const std::uint32_t* ranks = nullptr;  ///< (batch, patches); null: the first `count` patches in order

  /// The rank of a patch that is not in the list; adding 1 does not wrap around.
  static constexpr std::size_t none = ~std::size_t{0} - 1;

  PRETEXT_HOST_DEVICE std::size_t rank(std::size_t sample, std::size_t position) const {
    const std::size_t at = ranks ? ranks[sample * patches + position] : position;
    return at < count ? at : none;
  }
};

/// Stores the rank of every listed patch.
struct set_ranks {
  std::size_t patches;
  kernels::index_list selected;
  std::uint32_t* ranks;
  PRETEXT_HOST_DEVICE void operator()(std::size_t i) const {
    const std::size_t sample = i / selected.count, j = i % selected.count;
    ranks[sample * patches + selected.position(sample, j)] = static_cast<std::uint32_t>(j);
  }
};
/// Marks every patch as not listed.
struct clear_ranks {
  std::uint32_t* ranks;
  PRETEXT_HOST_DEVICE void operator()(std::size_t i) const { ranks[i] = 0xFFFFFFFF; }
};

/// Allocates in the workspace; the caller's arena_scope must outlive the result.
template <class Context>
inverse_index invert(Context& context, std::size_t batch, std::size_t patches,
                     const kernels::index_list& selected) {
  if (!selected.ids) return {patches, selected.count, nullptr};
  auto* const ranks = context.workspace.template allocate<std::uint32_t>(batch * patches);
  parallel_for(context, batch * patches, clear_ranks{ranks});
  parallel_for(context, batch * selected.count, set_ranks{patches, selected, ranks});
  return {patches, selected.count, ranks};
}

}  // namespace pretext::inline v0_1::grid
