#pragma once
#include <concepts>
#include <cstddef>

#include <pretext/core/arena.hpp>
#include <pretext/core/context.hpp>
#include <pretext/kernels/elementwise.hpp>

namespace pretext {

/// The flat buffers of a network for one run of it. Where activations are stored with fewer digits than
/// weights, products multiply copies of the values that are made here, in memory `from`: one pass over them,
/// and never out of date, whoever has changed the values since. `gradient` may be null.
template <class Place>
weights<Place> network_weights(Place& place, arena<typename Place::device>& from, std::size_t count,
                               typename Place::weight* value, typename Place::weight* gradient) {
  using T = typename Place::activation;
  if constexpr (std::same_as<T, typename Place::weight>) {
    return {value, gradient};
  } else {
    T* const rounded = from.template take<T>(count);
    kernels::blend<typename Place::device>::copy(place, count, value, rounded);
    return {value, gradient, rounded};
  }
}

}  // namespace pretext
