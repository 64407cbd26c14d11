#pragma once
#include <cstddef>
#include <span>

#include <pretext/core/expects.hpp>
#include <pretext/core/on.hpp>
#include <pretext/kernels/mixing.hpp>
#include <pretext/kernels/resampling.hpp>

namespace pretext {

/// What a batch's images are mixed with, image i with image n-1-i: λ, and the pixels that are the other
/// image's. One draw for a whole batch, as timm's batch mode.
struct batch_mix {
  double share = 1;  ///< λ: the part of every image, and of its goal, that is its own
  bool pasted = false;
  std::size_t top = 0, left = 0, height = 0, width = 0;  ///< of the pasted box
};

/// Mixes a batch of views (n, H, W, C) in place.
template <class Place, Shape S>
  requires ImageShape<S>
void mix(Place& place, const batch_mix& chosen, tensor_view<typename Place::activation, S> views) {
  using kernel = kernels::mixing<typename Place::device>;
  if (chosen.share == 1) return;
  if (chosen.pasted)
    kernel::paste(place, views.batch, S::extents[0], S::extents[1], S::extents[2], chosen.top, chosen.left,
                  chosen.height, chosen.width, views.data);
  else
    kernel::blend(place, views.batch, S::size, chosen.share, views.data);
}

/// Writes the goals (n, room) of a batch that was mixed like this, from the labels of its images: timm's
/// `mixup_target`, whose on and off values are 1 - s + s/K and s/K. An unmixed batch has `batch_mix{}`. K is
/// `classes`, by default all that a goal has room for. Throws std::invalid_argument for a label that is no
/// class.
template <class Place, Shape S>
void mixed_goals(Place& place, const batch_mix& chosen, std::span<const int> labels, double smoothing,
                 tensor_view<typename Place::weight, S> goal, std::size_t classes = S::size) {
  expects(labels.size() == goal.batch, "mixed goals: ", labels.size(), " labels for ", goal.batch, " goals");
  expects(classes <= S::size, "mixed goals: ", classes, " classes do not fit into goals of ", S::size);
  for (const int label : labels)
    expects(0 <= label && static_cast<std::size_t>(label) < classes, "mixed goals: label ", label,
            " is none of ", classes, " classes");
  kernels::mixing<typename Place::device>::goals(place, labels.size(), S::size, classes, chosen.share,
                                                 smoothing, labels.data(), goal.data);
}

}  // namespace pretext
