// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include <pretext/core/expects.hpp>
#include <pretext/core/is_finite.hpp>
#include <pretext/io/file.hpp>
#include <pretext/report/chart.hpp>
#include <pretext/report/page.hpp>
#include <pretext/report/pictures.hpp>
#include <pretext/report/scatter.hpp>

namespace pretext::inline v0_1 {

/// A name and its value, as the reader sees them.
struct report_entry {
  std::string name, value;
};

/// Accuracies in [0, 1], one row per method and one value per column; NaN where there is none. The first row
/// is the run, and its baselines follow.
struct accuracy_table {
  struct row {
    std::string name;
    std::vector<double> values;
  };
  std::vector<std::string> columns;
  std::vector<row> rows;
};

/// A table of texts: the first column names the rows. Rows may have fewer cells than there are columns.
struct report_table {
  std::string title, about;
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;
};

/// The contents of the report of one run. Sections without content are left out of the page.
struct report {
  std::string title;                      ///< "SimCLR on 12 000 built-in images"
  std::string summary;                    ///< one or two sentences below the title
  std::string command_line;               ///< the command that repeats the run
  std::vector<report_entry> facts;        ///< a short overview: method, duration, images per second
  accuracy_table accuracies;              ///< the run and its baselines
  std::vector<chart> charts;              ///< loss, accuracy, learning rate
  std::vector<image_sheet> sheets;        ///< augmented views
  std::vector<report_table> tables;       ///< figures of the classes, for example
  std::vector<neighbour_row> neighbours;  ///< test images and their nearest neighbours
  std::string neighbours_title = "Nearest neighbours";
  std::string neighbours_about =
      "Left, an image the encoder has never seen; beside it, the training images whose features are nearest, "
      "nearest first. A dashed frame marks another class.";
  scatter_plot embedding;                   ///< features in two dimensions
  std::vector<report_entry> configuration;  ///< every hyper-parameter in effect, in order
  std::vector<report_entry> provenance;     ///< version, compiler, machine, date
  std::vector<std::string> notes;           ///< warnings: skipped files, an early stop
};

namespace page {

/// The first row of the table as large figures, with the baselines below each.
inline std::string tiles(const accuracy_table& table) {
  if (table.rows.empty()) return {};
  std::string html;
  for (std::size_t column = 0; column < table.columns.size(); ++column) {
    std::string tile = text_element("div", {{"class", "name"}}, table.columns[column]) +
                       element("div", {{"class", "figure"}}, percent(table.rows[0].values[column]));
    for (std::size_t row = 1; row < table.rows.size(); ++row)
      if (pretext::detail::is_finite(table.rows[row].values[column]))
        tile += element("div", {{"class", "beside"}},
                        percent(table.rows[row].values[column]) + " " + escape(table.rows[row].name));
    html += element("div", {{"class", "tile"}}, tile);
  }
  return element("div", {{"class", "tiles"}}, html) + "\n";
}

/// The section "Accuracy" with the whole table; empty without rows.
inline std::string accuracy_section(const accuracy_table& table) {
  if (table.rows.empty()) return {};
  std::string head = "<th></th>", body;
  for (const auto& column : table.columns) head += text_element("th", {}, column);
  for (const auto& [name, values] : table.rows) {
    std::string cells = text_element("th", {}, name);
    for (const double value : values)
      cells += element("td", {{"style", "--part:" + css_percent(value)}}, percent(value));
    body += element("tr", {}, cells);
  }
  const std::string rows = element("thead", {}, element("tr", {}, head)) + element("tbody", {}, body);
  return section("Accuracy", "The first row is this run. The rows below say what a figure is worth.",
                 element("div", {{"class", "wide"}}, element("table", {{"class", "accuracy"}}, rows)));
}

/// A section with a table; empty without rows.
inline std::string table_section(const report_table& table) {
  if (table.rows.empty()) return {};
  std::string head, body;
  for (const auto& column : table.columns) head += text_element("th", {}, column);
  for (const auto& row : table.rows) {
    std::string cells;
    for (std::size_t i = 0; i < row.size(); ++i) cells += text_element(i == 0 ? "th" : "td", {}, row[i]);
    body += element("tr", {}, cells);
  }
  return section(
      table.title, table.about,
      element(
          "div", {{"class", "wide"}},
          element("table", {}, element("thead", {}, element("tr", {}, head)) + element("tbody", {}, body))));
}

/// A list of names and values of CSS class `kind`.
inline std::string settings(const std::vector<report_entry>& list, const std::string& kind) {
  if (list.empty()) return {};
  std::string html;
  for (const auto& [name, value] : list)
    html += element("div", {}, text_element("dt", {}, name) + text_element("dd", {}, value));
  return element("dl", {{"class", kind}}, html) + "\n";
}

/// The section "Notes"; empty without notes.
inline std::string notes_section(const std::vector<std::string>& notes) {
  if (notes.empty()) return {};
  std::string html;
  for (const auto& note : notes) html += text_element("li", {}, note);
  return section("Notes", "", element("ul", {{"class", "notes"}}, html));
}

/// The section with the command line, the configuration and the provenance of the run.
inline std::string repeat_section(const report& r) {
  std::string html;
  if (!r.command_line.empty()) html += text_element("pre", {}, r.command_line);
  if (!r.configuration.empty())
    html += "<h3>Configuration in effect</h3>" + settings(r.configuration, "settings");
  if (!r.provenance.empty()) html += "<h3>Made with</h3>" + settings(r.provenance, "settings");
  return html.empty() ? html : section("How to repeat this run", "", html);
}

}  // namespace page

/// The report as one HTML page that needs nothing beside itself: pictures, curves and style are in it. Throws
/// std::invalid_argument where a table's row, a curve, a sheet or a scatter does not fit together.
inline std::string to_html(const report& r) {
  for (const auto& row : r.accuracies.rows)
    expects(row.values.size() == r.accuracies.columns.size(), "report: \"", row.name, "\" has ",
            row.values.size(), " accuracies for the ", r.accuracies.columns.size(), " columns of the table");

  std::string header = page::text_element("h1", {}, r.title), tables;
  if (!r.summary.empty()) header += page::text_element("p", {{"class", "summary"}}, r.summary);
  for (const auto& table : r.tables) tables += page::table_section(table);
  return page::head(r.title) + page::element("header", {}, header) + page::tiles(r.accuracies) +
         page::settings(r.facts, "facts") + page::notes_section(r.notes) + page::charts_section(r.charts) +
         page::accuracy_section(r.accuracies) + tables + page::sheets_section(r.sheets) +
         page::neighbours_section(r.neighbours, r.neighbours_title, r.neighbours_about) +
         page::scatter_section(r.embedding) + page::repeat_section(r) + page::foot();
}

/// Writes the page; the file is either the old one or the new one, never a part. Throws std::runtime_error if
/// it cannot be written.
inline void write_report(const std::filesystem::path& path, const report& r) {
  write_atomically(path, to_html(r));
}

}  // namespace pretext::inline v0_1
