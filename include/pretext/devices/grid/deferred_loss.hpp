// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <cstddef>

#include <pretext/core/expects.hpp>
#include <pretext/devices/grid/kernel.hpp>

namespace pretext::inline v0_1::grid {

/// Stores a deferred loss at an address.
template <class Loss>
struct evaluate_loss {
  Loss loss;
  double* to;
  PRETEXT_HOST_DEVICE void operator()(std::size_t) const { *to = loss.value(); }
};

/// Stores a loss, unless an earlier one is NaN or infinite and has not been read yet.
template <class Loss>
struct store_loss {
  Loss loss;
  double* stored;
  PRETEXT_HOST_DEVICE void operator()(std::size_t) const {
    if (std::isfinite(*stored)) *stored = loss.value();
  }
};

/// A loss that the device computes later: a weighted sum of values in its memory. Sums and multiples of
/// losses only change the weights on the host, so no step waits for the device.
template <class Device>
class deferred_loss {
 public:
  static constexpr std::size_t max_terms = 8;

  deferred_loss() = default;
  explicit deferred_loss(const double* address) : count_{1}, terms_{{address, 1}} {}

  friend deferred_loss operator*(double weight, deferred_loss loss) {
    for (std::size_t i = 0; i < loss.count_; ++i) loss.terms_[i].weight *= weight;
    return loss;
  }
  friend deferred_loss operator+(deferred_loss a, const deferred_loss& b) {
    expects(a.count_ + b.count_ <= max_terms, "a sum of more than ", max_terms, " losses");
    for (std::size_t i = 0; i < b.count_; ++i) a.terms_[a.count_++] = b.terms_[i];
    return a;
  }

  PRETEXT_HOST_DEVICE double value() const {
    double sum = 0;
    for (std::size_t i = 0; i < count_; ++i) sum += terms_[i].weight * *terms_[i].value;
    return sum;
  }

  /// Makes the device store the sum in its memory.
  template <class Context>
  void store(Context& context, double* to) const {
    parallel_for(context, 1, evaluate_loss<deferred_loss>{*this, to});
  }

  /// Makes the device store the sum at `stream.wait_loss()`, which optimizers read: they change nothing while
  /// it is NaN or infinite, in this step and in all later ones until the host has read it.
  template <class Context>
  void finalize(Context& context) const {
    parallel_for(context, 1, store_loss<deferred_loss>{*this, context.stream.wait_loss()});
  }

 private:
  struct term {
    const double* value;
    double weight;
  };

  std::size_t count_ = 0;
  term terms_[max_terms]{};
};

}  // namespace pretext::inline v0_1::grid
