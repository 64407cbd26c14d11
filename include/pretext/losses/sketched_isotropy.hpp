// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <pretext/core/context.hpp>
#include <pretext/core/expects.hpp>
#include <pretext/core/host_device.hpp>
#include <pretext/core/is_finite.hpp>
#include <pretext/core/tensor.hpp>
#include <pretext/losses/detail/copy_rows.hpp>
#include <pretext/losses/detail/draw_unit_row.hpp>
#include <pretext/losses/detail/expects_rows.hpp>
#include <pretext/losses/detail/loss_operations.hpp>
#include <pretext/losses/detail/step_draws.hpp>
#include <pretext/losses/loss_batch.hpp>

namespace pretext::inline v0_1 {

namespace detail {

/// Knots t_k = k·t_max/16, k = 0…16, of the integral over characteristic functions. At t = 0 they are all 1.
inline constexpr std::size_t characteristic_knots = 16;
/// Samples whose cosines and sines one thread adds.
inline constexpr std::size_t samples_together = 32;

/// One slice of one view: how far the characteristic function of its samples is from that of the normal
/// distribution (Epps & Pulley 1983), and the gradient.
template <class T, class W>
struct characteristic_slice {
  std::size_t images, slices;
  double spacing, factor;  ///< of the knots; `factor` of a slice's statistic in the loss
  const W* samples;        ///< (views·images, slices)
  double *partial, *sums;
  T* slope;
  double* parts;

  template <class Team>
  PRETEXT_HOST_DEVICE void operator()(std::size_t row, const Team& team) const {
    constexpr std::size_t knots = characteristic_knots;
    const std::size_t n = images, step = slices, runs = (n + samples_together - 1) / samples_together;
    const std::size_t first = row / step * n * step + row % step;
    const W* const from = samples + first;
    T* const to = slope + first;
    double *const of_runs = partial + row * runs * 2 * knots, *const of_slice = sums + row * 2 * knots;
    const double apart = spacing;
    // e^{i·k·apart·x} for k = 1…16 by repeated multiplication.
    const auto for_each_knot = [&](double x, const auto& use) {
      const double cosine = std::cos(apart * x), sine = std::sin(apart * x);
      double real = 1, imaginary = 0;
      for (std::size_t k = 0; k < knots; ++k) {
        const double next = real * cosine - imaginary * sine;
        imaginary = real * sine + imaginary * cosine;
        real = next;
        use(k, real, imaginary);
      }
    };
    team.each(runs, [&](std::size_t run) {
      double sum[2 * knots]{};
      const std::size_t end = (run + 1) * samples_together < n ? (run + 1) * samples_together : n;
      for (std::size_t i = run * samples_together; i < end; ++i)
        for_each_knot(double(from[i * step]), [&](std::size_t k, double real, double imaginary) {
          sum[k] += real;
          sum[knots + k] += imaginary;
        });
      for (std::size_t j = 0; j < 2 * knots; ++j) of_runs[run * 2 * knots + j] = sum[j];
    });
    const auto normal = [&](std::size_t k) {
      const double t = apart * double(k + 1);
      return std::exp(-t * t / 2);
    };
    // What remains of the two functions' difference, times the weights of the trapezoid rule on both halves.
    team.each(2 * knots, [&](std::size_t j) {
      double sum = 0;
      for (std::size_t run = 0; run < runs; ++run) sum += of_runs[run * 2 * knots + j];
      of_slice[j] = sum / double(n) - (j < knots ? normal(j) : 0);
    });
    const auto weight = [&](std::size_t k) { return (k + 1 < knots ? 2 : 1) * apart * normal(k); };
    const double statistic =
        team.sum(2 * knots, [&](std::size_t j) { return weight(j % knots) * of_slice[j] * of_slice[j]; });
    const double scale = 2 * factor;  // the statistic is n times the integral, a sample 1/n of the function
    team.each(n, [&](std::size_t i) {
      double sum = 0;
      for_each_knot(double(from[i * step]), [&](std::size_t k, double real, double imaginary) {
        sum += weight(k) * apart * double(k + 1) * (of_slice[knots + k] * real - of_slice[k] * imaginary);
      });
      to[i * step] = static_cast<T>(scale * sum);
      if (i == 0) parts[row] = factor * double(n) * statistic;
    });
  }
};

/// The embeddings of one image: the squared distances of all views from the mean of the global ones, and the
/// gradient of all terms.
template <class T>
struct invariance_of_image {
  std::size_t images, columns, views, global_views;
  double factor;  ///< of the squared distances in the loss
  const T *z, *of_slices;
  T* dz;
  double* parts;

  template <class Team>
  PRETEXT_HOST_DEVICE void operator()(std::size_t image, const Team& team) const {
    const std::size_t step = images * columns, first = image * columns, count = views, global = global_views;
    const T *const from = z + first, *const more = of_slices + first;
    T* const to = dz + first;
    const auto centre = [&](std::size_t c) {
      double sum = 0;
      for (std::size_t v = 0; v < global; ++v) sum += double(from[v * step + c]);
      return sum / double(global);
    };
    const double squares = team.sum(columns, [&](std::size_t c) {
      const double middle = centre(c);
      double sum = 0;
      for (std::size_t v = 0; v < count; ++v) {
        const double x = double(from[v * step + c]) - middle;
        sum += x * x;
      }
      return sum;
    });
    const double scale = 2 * factor;
    team.each(columns, [&](std::size_t c) {
      const double middle = centre(c);
      double apart = 0;  // of all views from the centre, which moves with the global ones
      for (std::size_t v = 0; v < count; ++v) apart += double(from[v * step + c]) - middle;
      for (std::size_t v = 0; v < count; ++v) {
        const std::size_t at = v * step + c;
        const double own = double(from[at]) - middle - (v < global ? apart / double(global) : 0);
        to[at] = static_cast<T>(double(to[at]) + scale * own + double(more[at]));
      }
      if (c == 0) parts[image] = factor * squares;
    });
  }
};

}  // namespace detail

/// The loss of LeJEPA (Balestriero & LeCun 2025): (1 - lambda) times the mean squared distance of all views'
/// embeddings from the mean of the image's global ones, plus lambda times SIGReg: in random directions, how
/// far each view's embeddings are from a standard normal distribution, n times the integral of the squared
/// difference of characteristic functions with a Gaussian weight (17 knots). Every step draws new directions.
struct sketched_isotropy {
  static constexpr bool compares_with_target = false;
  static constexpr std::string_view collapse_advice =
      "The isotropy term should prevent this. Try a larger lambda, more slices, a smaller learning "
      "rate or a longer warm-up, and a larger batch.";
  double lambda = 0.05;          ///< in [0, 1]
  std::size_t slices = 1024;     ///< directions
  std::size_t global_views = 2;  ///< the first views, whose mean is the centre
  double t_max = 3;              ///< the end of the integral, positive

  friend bool operator==(const sketched_isotropy&, const sketched_isotropy&) = default;

  /// Throws std::invalid_argument for hyper-parameters out of range.
  void check() const {
    expects(0 <= lambda && lambda <= 1, "sketched_isotropy: lambda ", lambda, " must be in [0, 1]");
    expects(slices > 0 && global_views > 0,
            "sketched_isotropy: it needs a direction and a global view or more");
    expects(t_max > 0 && detail::is_finite(t_max), "sketched_isotropy: t_max ", t_max,
            " must be positive and finite");
  }

  /// The directions of a step, unit rows (slices, D), and what their draws depend on.
  template <class Context, Shape Prediction, Shape Embedding>
  struct state : detail::step_draws<Context> {
    using W = typename Context::weight;
    buffer<W, typename Context::device> directions;
    bool draws = true;  ///< false: the directions are those that the caller has written

    void start(Context& context, const sketched_isotropy& loss, std::uint64_t seed) {
      detail::step_draws<Context>::start(context, seed);
      directions = buffer<W, typename Context::device>{loss.slices * Prediction::size};
    }
  };

  /// Returns the loss of batch.p (views·n, D) and adds its gradient to batch.dp. Throws std::invalid_argument
  /// if there are fewer views than global ones.
  template <class Context, Shape S, Shape Embedding>
  typename Context::loss_value operator()(Context& context, const loss_batch<Context, S, Embedding>& batch,
                                          state<Context, S, Embedding>& sketch) const {
    using T = typename Context::activation;
    using W = typename Context::weight;
    using kernels::op;
    constexpr std::size_t d = S::size, knots = detail::characteristic_knots;
    const std::size_t n = batch.images, views = batch.views, rows = batch.p.batch, all = views * slices;
    detail::expects_rows("sketched_isotropy", batch);
    expects(global_views <= views, "sketched_isotropy: ", views, " views have no ", global_views,
            " global ones");
    const detail::loss_operations at{context};
    W* const directions = sketch.directions.data();
    if (sketch.draws)
      at.for_each_row(slices, detail::draw_unit_row<W>{slices, d, detail::direction_epoch, sketch.seed(),
                                                       sketch.steps(), directions});
    const T* const sketches = detail::operands_of(at, slices, d, static_cast<const W*>(directions));
    const std::size_t runs = (n + detail::samples_together - 1) / detail::samples_together;
    W* const samples = at.weights(rows * slices);
    T *const slope = at.activations(rows * slices), *const of_slices = at.activations(rows * d);
    double *const partial = at.doubles(all * runs * 2 * knots), *const sums = at.doubles(all * 2 * knots);
    double* const parts = at.doubles(all + n);
    at.product(op::none, op::transposed, rows, slices, d, batch.p.data, sketches, samples);
    at.for_each_row(all,
                    detail::characteristic_slice<T, W>{n, slices, t_max / double(knots), lambda / double(all),
                                                       samples, partial, sums, slope, parts});
    at.product(op::none, op::none, rows, d, slices, slope, sketches, of_slices);
    at.for_each_row(n, detail::invariance_of_image<T>{n, d, views, global_views,
                                                      (1 - lambda) / (double(rows) * double(d)), batch.p.data,
                                                      of_slices, batch.dp.data, parts + all});
    return at.sum(all + n, parts);
  }

  template <class Context, Shape Prediction, Shape Embedding>
  void commit(Context& context, state<Context, Prediction, Embedding>& sketch) const {
    sketch.commit(context);
  }
};

}  // namespace pretext::inline v0_1
