#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string_view>
#include <vector>

#include <pretext/core/expects.hpp>
#include <pretext/devices/cpu.hpp>

namespace pretext {

/// What an encoder made of a data set: count rows of width numbers, and perhaps a label of each row, 0 or
/// more.
struct feature_table {
  std::size_t count = 0, width = 0;
  std::vector<float> values;  // (count, width)
  std::vector<int> labels;    // (count), or none

  const float* row(std::size_t index) const { return values.data() + index * width; }
};

/// Throws std::invalid_argument unless there are rows and as many numbers as the extents say.
inline void expects_features(const feature_table& some, std::string_view what) {
  expects(some.count > 0 && some.width > 0, what, ": there are no features to look at");
  expects(some.values.size() == some.count * some.width, what, ": ", some.count, " features of ", some.width,
          " numbers cannot have ", some.values.size(), " values");
}

/// Throws std::invalid_argument unless every row has a label, none of them negative.
inline void expects_labels(const feature_table& some, std::string_view what) {
  expects_features(some, what);
  expects(some.labels.size() == some.count, what, ": ", some.count, " features need as many labels, not ",
          some.labels.size());
  for (std::size_t i = 0; i < some.count; ++i)
    expects(some.labels[i] >= 0, what, ": the label ", some.labels[i], " of row ", i,
            " is negative; leave unlabelled images out");
}

/// One more than the largest label.
inline std::size_t classes_of(const feature_table& some) {
  const auto largest = std::ranges::max_element(some.labels);
  return largest == some.labels.end() ? 0 : static_cast<std::size_t>(*largest) + 1;
}

/// Rows of length one, for cosine similarities; a row of zeros stays one.
inline std::vector<float> unit_rows(const feature_table& some, const cpu::stream& stream = {}) {
  std::vector<float> unit(some.values.size());
  stream.for_each_run(some.count, 256, [&](std::size_t first, std::size_t last) {
    for (std::size_t i = first; i < last; ++i) {
      double squares = 0;
      for (std::size_t c = 0; c < some.width; ++c)
        squares += static_cast<double>(some.row(i)[c]) * static_cast<double>(some.row(i)[c]);
      const double scale = squares > 0 ? 1 / std::sqrt(squares) : 0;
      for (std::size_t c = 0; c < some.width; ++c)
        unit[i * some.width + c] = static_cast<float>(static_cast<double>(some.row(i)[c]) * scale);
    }
  });
  return unit;
}

}  // namespace pretext
