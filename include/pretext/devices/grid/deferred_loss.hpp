#pragma once
#include <cmath>
#include <cstddef>

#include <pretext/core/expects.hpp>
#include <pretext/devices/grid/kernel.hpp>

namespace pretext::grid {

/// Computes a deferred loss on the device, unless an earlier one was NaN or infinite.
template <class Loss>
struct settle_loss {
  Loss loss;
  double* settled;
  PRETEXT_HOST_DEVICE void operator()(std::size_t) const {
    if (std::isfinite(*settled)) *settled = loss.value();
  }
};

/// A loss that the device has yet to compute: a sum of numbers in its memory, each times a factor. Adding and
/// weighting losses is arithmetic on the factors, so no step waits for a loss before its end.
template <class Device>
class deferred_loss {
 public:
  static constexpr std::size_t most_terms = 8;

  deferred_loss() = default;
  explicit deferred_loss(const double* on_device) : terms_{1}, term_{{on_device, 1}} {}

  friend deferred_loss operator*(double weight, deferred_loss loss) {
    for (std::size_t i = 0; i < loss.terms_; ++i) loss.term_[i].factor *= weight;
    return loss;
  }
  friend deferred_loss operator+(deferred_loss a, const deferred_loss& b) {
    expects(a.terms_ + b.terms_ <= most_terms, "a sum of more than ", most_terms, " losses");
    for (std::size_t i = 0; i < b.terms_; ++i) a.term_[a.terms_++] = b.term_[i];
    return a;
  }

  PRETEXT_HOST_DEVICE double value() const {
    double sum = 0;
    for (std::size_t i = 0; i < terms_; ++i) sum += term_[i].factor * *term_[i].number;
    return sum;
  }

  /// Has the device note the sum where optimizers look: they change nothing while it is not a number, in this
  /// step or, until somebody has read it, in those that follow.
  template <class Context>
  void settle(Context& context) const {
    parallel_for(context, 1, settle_loss<deferred_loss>{*this, context.stream.wait_loss()});
  }

 private:
  struct one {
    const double* number;
    double factor;
  };

  std::size_t terms_ = 0;
  one term_[most_terms]{};
};

}  // namespace pretext::grid
