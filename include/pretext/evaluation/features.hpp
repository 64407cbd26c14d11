// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include <pretext/core/expects.hpp>
#include <pretext/core/is_finite.hpp>
#include <pretext/devices/cpu.hpp>

namespace pretext::inline v0_1 {

/// The features of a data set: `count` rows of `width` values and, where the images are labelled, the label
/// of each row (0, 1, …).
struct feature_table {
  std::size_t count = 0, width = 0;
  std::vector<float> values;  ///< (count, width) row-major
  std::vector<int> labels;    ///< (count), or empty

  const float* row(std::size_t index) const { return values.data() + index * width; }
};

/// A matrix whose rows are features in row-major memory, such as Eigen's `Matrix<float, Dynamic, Dynamic,
/// RowMajor>` or a `Map` of one.
template <class M>
concept FeatureMatrix = requires(const M& matrix) {
  { matrix.data() } -> std::same_as<const float*>;
  matrix.rows();
  matrix.cols();
  matrix.outerStride();
  matrix.innerStride();
  requires bool(M::IsRowMajor);
};

/// Features in memory of the caller, which must outlive the view: `count` rows of `width` values, row-major.
class feature_view {
 public:
  /// Throws std::invalid_argument unless `values` are whole rows of `width`.
  feature_view(std::span<const float> values, std::size_t width)
      : values_{values}, width_{width}, count_{width == 0 ? 0 : values.size() / width} {
    expects(width > 0 && values.size() % width == 0, "features: ", values.size(), " values are no rows of ",
            width);
  }
  feature_view(const feature_table& table) : values_{table.values}, width_{table.width}, count_{table.count} {
    expects(values_.size() == count_ * width_, "features: ", count_, " features of width ", width_,
            " cannot have ", values_.size(), " values");
  }
  /// Throws std::invalid_argument if there is memory between the rows.
  template <FeatureMatrix M>
  feature_view(const M& matrix)
      : values_{matrix.data(), static_cast<std::size_t>(matrix.rows() * matrix.cols())},
        width_{static_cast<std::size_t>(matrix.cols())},
        count_{static_cast<std::size_t>(matrix.rows())} {
    expects(
        matrix.innerStride() == 1 && (count_ < 2 || matrix.outerStride() == matrix.cols()),
        "features: the rows of the matrix do not follow each other in memory; copy it into a matrix of its "
        "own");
  }

  std::size_t count() const { return count_; }
  std::size_t width() const { return width_; }
  const float* row(std::size_t index) const { return values_.data() + index * width_; }
  /// All values, (count, width).
  std::span<const float> values() const { return values_; }

 private:
  std::span<const float> values_;
  std::size_t width_, count_;
};

/// Features in memory of the caller with the label (0, 1, …) of each row, which must both outlive the view:
/// `{matrix, labels}` or a `feature_table`.
class labelled_view : public feature_view {
 public:
  labelled_view(const feature_view& features, std::span<const int> labels)
      : feature_view{features}, labels_{labels} {}
  labelled_view(const feature_table& table) : feature_view{table}, labels_{table.labels} {}

  std::span<const int> labels() const { return labels_; }

 private:
  std::span<const int> labels_;
};

/// Throws std::invalid_argument, with `what` in the sentence, unless there are rows and every row has a label
/// that is not negative.
inline void expects_labels(const labelled_view& features, std::string_view what) {
  expects(features.count() > 0, what, ": there are no features");
  expects(features.labels().size() == features.count(), what, ": ", features.count(),
          " features need as many labels, not ", features.labels().size());
  for (std::size_t i = 0; i < features.count(); ++i)
    expects(features.labels()[i] >= 0, what, ": the label ", features.labels()[i], " of row ", i,
            " is negative; leave unlabelled images out");
}

/// The number of classes: one more than the largest label.
inline std::size_t classes_of(const labelled_view& features) {
  const auto largest = std::ranges::max_element(features.labels());
  return largest == features.labels().end() ? 0 : static_cast<std::size_t>(*largest) + 1;
}

/// Throws std::invalid_argument, with `what` in the sentence, unless there are rows and all values are
/// finite.
inline void expects_finite(const feature_view& features, std::string_view what) {
  expects(features.count() > 0 && features.width() > 0, what, ": there are no features");
  expects(
      std::ranges::all_of(features.values(), [](float value) { return pretext::detail::is_finite(value); }),
      what, ": a feature is NaN or infinite");
}

/// All rows scaled to length 1, for cosine similarities; a row of zeros stays zero. The work is shared among
/// the stream's threads.
inline std::vector<float> unit_rows(const feature_view& features, const cpu::stream& stream = {}) {
  const std::size_t width = features.width();
  std::vector<float> unit(features.values().size());
  stream.for_each_run(features.count(), 256, [&](std::size_t first, std::size_t last) {
    for (std::size_t i = first; i < last; ++i) {
      const float* row = features.row(i);
      double squares = 0;
      for (std::size_t c = 0; c < width; ++c)
        squares += static_cast<double>(row[c]) * static_cast<double>(row[c]);
      const double scale = squares > 0 ? 1 / std::sqrt(squares) : 0;
      for (std::size_t c = 0; c < width; ++c)
        unit[i * width + c] = static_cast<float>(static_cast<double>(row[c]) * scale);
    }
  });
  return unit;
}

}  // namespace pretext::inline v0_1
