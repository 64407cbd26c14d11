#pragma once
#include <cstddef>
#include <cstdint>

#include <pretext/devices/grid/kernel.hpp>
#include <pretext/kernels/index_list.hpp>

namespace pretext::grid {

/// Which number a place has in a choice: what lets a thread ask for a place's gradient instead of adding to
/// it.
struct inverse_choice {
  std::size_t patches = 0, count = 0;
  const std::uint32_t* numbers = nullptr;  ///< (batch, places); null: the first `count` places in order

  static constexpr std::size_t none = ~std::size_t{0} - 1;  ///< also behind one more token

  PRETEXT_HOST_DEVICE std::size_t number(std::size_t sample, std::size_t position) const {
    const std::size_t at = numbers ? numbers[sample * patches + position] : position;
    return at < count ? at : none;
  }
};

struct number_places {
  std::size_t patches;
  kernels::index_list chosen;
  std::uint32_t* numbers;
  PRETEXT_HOST_DEVICE void operator()(std::size_t i) const {
    const std::size_t sample = i / chosen.count, j = i % chosen.count;
    numbers[sample * patches + chosen.position(sample, j)] = static_cast<std::uint32_t>(j);
  }
};
struct number_no_place {
  std::uint32_t* numbers;
  PRETEXT_HOST_DEVICE void operator()(std::size_t i) const { numbers[i] = 0xFFFFFFFF; }
};

/// Lives in scratch memory that the caller borrows.
template <class Context>
inverse_choice invert(Context& context, std::size_t batch, std::size_t patches,
                      const kernels::index_list& chosen) {
  if (!chosen.ids) return {patches, chosen.count, nullptr};
  auto* const numbers = context.workspace.template allocate<std::uint32_t>(batch * patches);
  parallel_for(context, batch * patches, number_no_place{numbers});
  parallel_for(context, batch * chosen.count, number_places{patches, chosen, numbers});
  return {patches, chosen.count, numbers};
}

}  // namespace pretext::grid
