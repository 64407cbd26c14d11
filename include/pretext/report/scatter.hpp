// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include <pretext/core/expects.hpp>
#include <pretext/core/is_finite.hpp>
#include <pretext/report/page.hpp>

namespace pretext::inline v0_1 {

/// Points in the plane, one per image, coloured by class. `label` is empty or has an index into `classes` for
/// each point.
struct scatter_plot {
  std::string caption;  ///< how the points were computed, and from which images
  std::vector<double> x, y;
  std::vector<std::size_t> label;
  std::vector<std::string> classes;
};

namespace page {

/// The map from points to a drawing, with one scale for both axes; the height of the drawing follows from the
/// points.
struct plane {
  static constexpr double width = 760, margin = 28;
  double height = width, x_centre = 0, y_centre = 0, scale = 1;

  explicit plane(const scatter_plot& s) {
    const auto [x0, x1] = extent(s.x);
    const auto [y0, y1] = extent(s.y);
    x_centre = (x0 + x1) / 2;
    y_centre = (y0 + y1) / 2;
    height = std::clamp((width - 2 * margin) * (y1 - y0) / std::max(x1 - x0, 1e-300) + 2 * margin,
                        0.5 * width, 0.85 * width);
    const double fit = std::min((width - 2 * margin) / (x1 - x0), (height - 2 * margin) / (y1 - y0));
    if (pretext::detail::is_finite(fit)) scale = fit;
  }
  std::string x_of(double x) const { return fixed(width / 2 + (x - x_centre) * scale, 1); }
  std::string y_of(double y) const { return fixed(height / 2 - (y - y_centre) * scale, 1); }

 private:
  static std::pair<double, double> extent(std::vector<double> values) {
    std::erase_if(values, [](double v) { return !pretext::detail::is_finite(v); });
    if (values.empty()) return {0, 0};
    const auto [low, high] = std::minmax_element(values.begin(), values.end());
    return {*low, *high};
  }
};

/// The median, which a few outliers do not move; reorders the values.
inline double median(std::vector<double>& values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// The section with the scatter plot; an empty text if there are no points. Throws std::invalid_argument if
/// the numbers of coordinates and labels differ or a label is no class.
inline std::string scatter_section(const scatter_plot& s) {
  if (s.x.empty()) return {};
  expects(s.x.size() == s.y.size() && (s.label.empty() || s.label.size() == s.x.size()),
          "report: the scatter has ", s.x.size(), " and ", s.y.size(), " coordinates for ", s.label.size(),
          " labels");
  for (const std::size_t label : s.label)
    expects(label < s.classes.size(), "report: the scatter has a point of class ", label, " but names ",
            s.classes.size(), " classes");

  const plane map{s};
  std::string dots, names, legend;
  const std::size_t groups = s.label.empty() ? 1 : s.classes.size();
  for (std::size_t group = 0; group < groups; ++group) {
    std::string path;
    std::vector<double> xs, ys;
    for (std::size_t i = 0; i < s.x.size(); ++i) {
      if ((!s.label.empty() && s.label[i] != group) || !pretext::detail::is_finite(s.x[i]) ||
          !pretext::detail::is_finite(s.y[i]))
        continue;
      // A line of length 0 with round caps is a dot: a whole class is one SVG element.
      path += str_cat("M", map.x_of(s.x[i]), " ", map.y_of(s.y[i]), "h0");
      xs.push_back(s.x[i]);
      ys.push_back(s.y[i]);
    }
    if (xs.empty()) continue;
    const std::string number = std::to_string(group),
                      color = " c" + std::to_string(group % palette_light.size());
    dots += element("path", {{"class", "dots" + color}, {"data-class", number}, {"d", path}});
    if (s.label.empty()) continue;
    const std::string x = map.x_of(median(xs)), y = map.y_of(median(ys));
    names +=
        text_element("text", {{"data-class", number}, {"x", x}, {"y", y}, {"dy", ".34em"}}, s.classes[group]);
    legend += text_element("span", {{"class", color}, {"data-class", number}}, s.classes[group]);
  }
  const std::string width = fixed(plane::width, 0), height = fixed(map.height, 0);
  const std::string frame =
      element("rect", {{"class", "frame"}, {"width", width}, {"height", height}, {"rx", "8"}});
  const std::string svg = element("svg",
                                  {{"role", "img"},
                                   {"aria-label", "Embedding in two dimensions"},
                                   {"viewBox", "0 0 " + width + " " + height}},
                                  frame + dots + names);
  return section("Embedding in two dimensions", s.caption,
                 element("div", {{"class", "scatter"}}, svg + element("div", {{"class", "legend"}}, legend)));
}

}  // namespace page
}  // namespace pretext::inline v0_1
