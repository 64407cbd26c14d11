// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include <pretext/core/host_device.hpp>
#include <pretext/kernels/index_list.hpp>

namespace pretext::inline v0_1::detail {

/// One element of the sequences of all targets, target 1's n images first: the tokens of an image's context,
/// then a mask token for each place of the target, with positions added.
template <class T, class W>
struct join_targets {
  std::size_t images, visible, width;
  kernels::index_list context, hidden;
  const T* x;
  const W *mask_token, *positions;
  T* y;

  PRETEXT_HOST_DEVICE void operator()(std::size_t i) const {
    const std::size_t c = i % width, tokens = visible + hidden.count;
    const std::size_t token = i / width % tokens, sequence = i / width / tokens, image = sequence % images;
    const bool is_visible = token < visible;
    const std::size_t place =
        is_visible ? context.position(image, token) : hidden.position(sequence, token - visible);
    const W value = is_visible ? static_cast<W>(x[(image * visible + token) * width + c]) : mask_token[c];
    y[i] = static_cast<T>(value + positions[place * width + c]);
  }
};

/// One element of the gradient of the contexts' tokens: the sum over the targets' sequences.
template <class T>
struct sum_over_targets {
  std::size_t images, targets, context_size, sequence_size;
  const T* dy;
  T* dx;

  PRETEXT_HOST_DEVICE void operator()(std::size_t i) const {
    const std::size_t image = i / context_size, element = i % context_size;
    double sum = 0;
    for (std::size_t t = 0; t < targets; ++t)
      sum += double(dy[(t * images + image) * sequence_size + element]);
    dx[i] = static_cast<T>(sum);
  }
};

}  // namespace pretext::inline v0_1::detail
