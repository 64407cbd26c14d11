#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string_view>
#include <vector>

#include <pretext/core/expects.hpp>
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

/// Throws std::invalid_argument, with `what` in the sentence, unless the table has rows and count · width
/// values.
inline void expects_features(const feature_table& table, std::string_view what) {
  expects(table.count > 0 && table.width > 0, what, ": there are no features");
  expects(table.values.size() == table.count * table.width, what, ": ", table.count, " features of width ",
          table.width, " cannot have ", table.values.size(), " values");
}

/// The same, and every row must have a label that is not negative.
inline void expects_labels(const feature_table& table, std::string_view what) {
  expects_features(table, what);
  expects(table.labels.size() == table.count, what, ": ", table.count, " features need as many labels, not ",
          table.labels.size());
  for (std::size_t i = 0; i < table.count; ++i)
    expects(table.labels[i] >= 0, what, ": the label ", table.labels[i], " of row ", i,
            " is negative; leave unlabelled images out");
}

/// The number of classes: one more than the largest label.
inline std::size_t classes_of(const feature_table& table) {
  const auto largest = std::ranges::max_element(table.labels);
  return largest == table.labels.end() ? 0 : static_cast<std::size_t>(*largest) + 1;
}

/// All rows scaled to length 1, for cosine similarities; a row of zeros stays zero. The work is shared among
/// the stream's threads.
inline std::vector<float> unit_rows(const feature_table& table, const cpu::stream& stream = {}) {
  std::vector<float> unit(table.values.size());
  stream.for_each_run(table.count, 256, [&](std::size_t first, std::size_t last) {
    for (std::size_t i = first; i < last; ++i) {
      double squares = 0;
      for (std::size_t c = 0; c < table.width; ++c)
        squares += static_cast<double>(table.row(i)[c]) * static_cast<double>(table.row(i)[c]);
      const double scale = squares > 0 ? 1 / std::sqrt(squares) : 0;
      for (std::size_t c = 0; c < table.width; ++c)
        unit[i * table.width + c] = static_cast<float>(static_cast<double>(table.row(i)[c]) * scale);
    }
  });
  return unit;
}

}  // namespace pretext::inline v0_1
