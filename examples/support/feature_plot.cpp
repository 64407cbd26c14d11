#include "feature_plot.hpp"

#include <algorithm>
#include <cstddef>

#include <pretext/core/expects.hpp>
#include <pretext/evaluation/collapse.hpp>
#include <pretext/evaluation/principal_plane.hpp>

namespace programs {

using namespace pretext;

scatter_plot plot_of_features(const feature_table& all, bool labelled,
                              const std::vector<std::string>& classes, const std::string& images,
                              const cpu::stream& stream) {
  feature_table sample{0, all.width, {}, {}};
  scatter_plot plot;
  const std::size_t points = std::min<std::size_t>(1500, all.count);
  for (std::size_t i = 0; i < points; ++i) {
    const std::size_t row = i * all.count / points;
    if (labelled && all.labels[row] < 0) continue;
    sample.values.insert(sample.values.end(), all.row(row), all.row(row) + all.width);
    if (labelled) plot.label.push_back(static_cast<std::size_t>(all.labels[row]));
    ++sample.count;
  }
  if (sample.count < 3) return {};
  const auto plane = project_to_plane(sample, stream);
  plot.caption =
      str_cat("First two principal components of the features of ", sample.count, " ", images, ".");
  for (const auto& point : plane.points) {
    plot.x.push_back(static_cast<double>(point[0]));
    plot.y.push_back(static_cast<double>(point[1]));
  }
  if (labelled) plot.classes = classes;
  return plot;
}

std::string collapse_finding(const feature_table& features, const cpu::stream& stream) {
  return detect_collapse(features, stream).finding;
}

}  // namespace programs
