// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include <pretext/core/expects.hpp>
#include <pretext/core/is_finite.hpp>
#include <pretext/report/axis.hpp>

namespace pretext::inline v0_1 {

/// A curve of a chart, through the points (x, y) in their order; NaN and infinity leave a gap.
struct chart_curve {
  std::string name;
  std::vector<double> x, y;
};

/// A dashed horizontal line that curves are compared with: a baseline.
struct reference_line {
  std::string name;
  double y = 0;
};

/// Curves over one pair of axes. Axis names include the unit: "kNN accuracy (%)".
struct chart {
  std::string title, x_name, y_name;
  std::vector<chart_curve> curves;
  std::vector<reference_line> references;
};

namespace page {

/// The indices of the points to draw, ascending: all, or for a long curve the lowest and the highest of each
/// of 400 intervals, so that no peak is lost.
inline std::vector<std::size_t> points_to_draw(const chart_curve& c) {
  constexpr std::size_t intervals = 400;
  const std::size_t count = c.x.size();
  std::vector<std::size_t> drawn;
  for (std::size_t i = 0; count <= 2 * intervals && i < count; ++i) drawn.push_back(i);
  for (std::size_t s = 0; count > 2 * intervals && s < intervals; ++s) {
    const std::size_t begin = s * count / intervals, end = (s + 1) * count / intervals;
    std::size_t lowest = end, highest = end, gap = end;
    for (std::size_t i = begin; i < end; ++i) {
      if (!pretext::detail::is_finite(c.y[i]))
        gap = i;
      else {
        if (lowest == end || c.y[i] < c.y[lowest]) lowest = i;
        if (highest == end || c.y[i] > c.y[highest]) highest = i;
      }
    }
    std::vector<std::size_t> here{lowest, highest, gap};
    std::sort(here.begin(), here.end());
    here.erase(std::unique(here.begin(), here.end()), here.end());
    std::copy_if(here.begin(), here.end(), std::back_inserter(drawn),
                 [&](std::size_t i) { return i != end; });
  }
  return drawn;
}

/// The position of a chart's axes in its drawing, and the map from values to coordinates.
struct plot_area {
  static constexpr double width = 520, height = 300, left = 54, right = 508, top = 26, bottom = 252;
  axis x, y;

  std::string x_of(double value) const {
    return fixed(left + (value - x.low) / (x.high - x.low) * (right - left), 2);
  }
  std::string y_of(double value) const {
    return fixed(bottom - (value - y.low) / (y.high - y.low) * (bottom - top), 2);
  }
};

/// Axes that contain all curves and reference lines of a chart.
inline plot_area area_of(const chart& c) {
  constexpr double infinity = detail::infinity<double>;
  double x0 = infinity, x1 = -infinity, y0 = infinity, y1 = -infinity;
  const auto include = [](double value, double& low, double& high) {
    if (pretext::detail::is_finite(value)) low = std::min(low, value), high = std::max(high, value);
  };
  for (const auto& line : c.curves)
    for (std::size_t i = 0; i < line.x.size(); ++i)
      if (pretext::detail::is_finite(line.y[i])) include(line.x[i], x0, x1), include(line.y[i], y0, y1);
  for (const auto& line : c.references) include(line.y, y0, y1);
  return {axis_over(x0, x1, 6, false), axis_over(y0, y1, 5, true)};
}

/// The SVG path of a curve; NaN and infinity leave a gap.
inline std::string path_of(const plot_area& area, const chart_curve& line) {
  std::string path;
  bool pen_down = false;
  for (const std::size_t i : points_to_draw(line)) {
    const bool finite = pretext::detail::is_finite(line.x[i]) && pretext::detail::is_finite(line.y[i]);
    if (finite) path += str_cat(pen_down ? "L" : "M", area.x_of(line.x[i]), " ", area.y_of(line.y[i]));
    pen_down = finite;
  }
  return path;
}

/// An SVG line of CSS class `kind`.
inline std::string line_element(std::string_view kind, std::string x1, std::string y1, std::string x2,
                                std::string y2) {
  return element("line", {{"class", std::string{kind}}, {"x1", x1}, {"y1", y1}, {"x2", x2}, {"y2", y2}});
}

/// The grid, the tick labels and the names of both axes.
inline std::string draw_axes(const plot_area& area, const chart& c) {
  const std::string left = fixed(area.left, 0), right = fixed(area.right, 0), bottom = fixed(area.bottom, 0);
  std::string svg;
  for (const double value : area.y.ticks()) {
    const std::string y = area.y_of(value);
    svg += line_element("grid", left, y, right, y);
    svg += element("text", {{"class", "end"}, {"x", fixed(area.left - 8, 0)}, {"y", y}, {"dy", ".34em"}},
                   area.y.label(value));
  }
  for (const double value : area.x.ticks()) {
    const std::string x = area.x_of(value);
    svg += line_element("axis", x, bottom, x, fixed(area.bottom + 5, 0));
    svg += element("text", {{"class", "middle"}, {"x", x}, {"y", fixed(area.bottom + 21, 0)}},
                   area.x.label(value));
  }
  return svg + line_element("axis", left, bottom, right, bottom) +
         text_element("text", {{"x", "0"}, {"y", "10"}}, c.y_name) +
         text_element("text", {{"class", "end"}, {"x", right}, {"y", fixed(area.height - 4, 0)}}, c.x_name);
}

/// A chart as an HTML figure. Throws std::invalid_argument if a curve has more or fewer x than y.
inline std::string draw(const chart& c) {
  for (const auto& line : c.curves)
    expects(line.x.size() == line.y.size(), "report: the curve \"", line.name, "\" has ", line.x.size(),
            " x but ", line.y.size(), " y");
  const plot_area area = area_of(c);
  std::string lines, legend;
  for (std::size_t i = 0; i < c.references.size(); ++i) {
    const std::string y = area.y_of(c.references[i].y), color = str_cat(" c", 8 + i % 2);
    if (!pretext::detail::is_finite(c.references[i].y)) continue;
    lines += line_element("reference" + color, fixed(area.left, 0), y, fixed(area.right, 0), y);
    legend += text_element("span", {{"class", "dashed" + color}}, c.references[i].name);
  }
  std::string names;
  for (std::size_t i = 0; i < c.curves.size(); ++i) {
    const std::string color = str_cat("c", i % 8);
    lines += element("path", {{"class", "curve " + color}, {"d", path_of(area, c.curves[i])}});
    names += element("span", {{"class", color}}, escape(c.curves[i].name) + "<output></output>");
  }

  std::string extents;
  for (const double value :
       {area.left, area.right, area.x.low, area.x.high, area.top, area.bottom, area.y.low, area.y.high}) {
    char digits[32];
    extents.append(extents.empty() ? "" : " ");
    extents.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
  }
  const std::string cursor = line_element("cursor", "0", fixed(area.top, 0), "0", fixed(area.bottom, 0));
  return element("figure", {{"class", "chart"}},
                 text_element("figcaption", {}, c.title) +
                     element("div", {{"class", "legend"}}, names + legend) +
                     element("svg",
                             {{"role", "img"},
                              {"aria-label", c.title},
                              {"viewBox", "0 0 " + fixed(area.width, 0) + " " + fixed(area.height, 0)},
                              {"data-area", extents}},
                             draw_axes(area, c) + lines + cursor));
}

/// The section "Training" with all charts; an empty text if there are none.
inline std::string charts_section(const std::vector<chart>& charts) {
  if (charts.empty()) return {};
  std::string html;
  for (const auto& c : charts) html += draw(c);
  return section("Training", "", element("div", {{"class", "charts"}}, html));
}

}  // namespace page
}  // namespace pretext::inline v0_1
