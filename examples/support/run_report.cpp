#include "run_report.hpp"

#include <algorithm>
#include <cstdio>
#include <utility>
#include <vector>

#include <pretext/evaluation/nearest_neighbours.hpp>
#include <pretext/evaluation/principal_plane.hpp>
#include <pretext/report/report.hpp>
#include <pretext/runtime/metrics.hpp>

#include "methods.hpp"
#include "pictures.hpp"

namespace programs {
namespace {

using namespace pretext;

std::string class_name(const any_source& source, int label) {
  const auto& names = source.class_names();
  return label >= 0 && static_cast<std::size_t>(label) < names.size() ? names[static_cast<std::size_t>(label)]
                                                                      : std::string{"?"};
}

std::vector<neighbour_row> neighbour_rows(const datasets& data, const findings& found,
                                          const cpu::stream& stream) {
  feature_table queries{0, found.test.width, {}, {}};
  std::vector<std::size_t> chosen;
  const std::size_t rows = std::min<std::size_t>(10, found.test.count);
  for (std::size_t i = 0; i < rows; ++i) {
    chosen.push_back(spread(i, rows, found.test.count));
    queries.values.insert(queries.values.end(), found.test.row(chosen.back()),
                          found.test.row(chosen.back()) + found.test.width);
    queries.labels.push_back(found.test.labels[chosen.back()]);
    ++queries.count;
  }
  std::vector<neighbour_row> result;
  const std::size_t k = std::min<std::size_t>(8, found.train.count);
  const auto nearest = nearest_neighbours(found.train, queries, k, stream);
  for (std::size_t q = 0; q < queries.count; ++q) {
    neighbour_row row;
    data.test.read(chosen[q], row.query);
    row.label = class_name(data.test, queries.labels[q]);
    for (std::size_t i = 0; i < k; ++i) {
      const std::size_t index = nearest[q * k + i].index;
      neighbour_picture picture;
      data.train.read(index, picture.picture);
      picture.label = class_name(data.train, found.train.labels[index]);
      picture.right = found.train.labels[index] == queries.labels[q];
      row.nearest.push_back(std::move(picture));
    }
    result.push_back(std::move(row));
  }
  return result;
}

scatter_plot picture_of(const datasets& data, const findings& found, const cpu::stream& stream) {
  feature_table shown{0, found.test.width, {}, {}};
  scatter_plot plot;
  const std::size_t points = std::min<std::size_t>(1500, found.test.count);
  for (std::size_t i = 0; i < points; ++i) {
    const std::size_t at = i * found.test.count / points;
    shown.values.insert(shown.values.end(), found.test.row(at), found.test.row(at) + found.test.width);
    plot.label.push_back(static_cast<std::size_t>(found.test.labels[at]));
    ++shown.count;
  }
  const auto plane = project_to_plane(shown, stream);
  plot.caption = str_cat("First two principal components of the feature of ", points, " test images.");
  for (const auto& point : plane.points) {
    plot.x.push_back(static_cast<double>(point[0]));
    plot.y.push_back(static_cast<double>(point[1]));
  }
  plot.classes = data.test.class_names();
  return plot;
}

chart curve_of(const run_folder& folder, const std::string& column, const std::string& title,
               const std::string& unit, double factor = 1) {
  chart made{title, "epoch", unit, {{title, {}, {}}}, {}};
  for (const auto& [x, y] : read_metrics(folder.path() / "metrics.csv", "epoch", column)) {
    made.curves[0].x.push_back(x);
    made.curves[0].y.push_back(y * factor);
  }
  return made;
}

/// A curve of metrics.csv, where the run has one.
void add_curve(report& page, const run_folder& folder, const std::string& column, const std::string& title,
               const std::string& unit) {
  if (!has_metric(folder.path() / "metrics.csv", column)) return;
  if (auto curve = curve_of(folder, column, title, unit); !curve.curves[0].x.empty())
    page.charts.push_back(std::move(curve));
}

}  // namespace

void write_run_report(const run_folder& folder, const recipe& asked, const datasets& data,
                      const findings& found, const evaluation_options& how, const std::string& command_line) {
  const cpu::stream stream{how.where.threads};
  const run_summary summary = folder.read_summary();
  const method_card card = card_of(asked.method);
  report page;
  page.title = str_cat(card.title, " on ", data.train.size(),
                       asked.data == "builtin" ? " built-in images" : " images");
  page.summary =
      str_cat(asked.encoder, " at ", asked.image_size, " pixels, ", asked.epochs, " epochs without labels.");
  page.command_line = command_line;
  const auto number = [](double x) {
    char text[32];
    std::snprintf(text, sizeof text, "%.4g", x);
    return std::string{text};
  };
  page.facts = {{"Method", str_cat(card.title, " (", card.paper, ")")},
                {"Encoder", asked.encoder},
                {"Training images", std::to_string(data.train.size())},
                {"Pretraining", number(summary.seconds) + " s"},
                {"Images per second",
                 number(static_cast<double>(summary.steps * asked.batch) / std::max(summary.seconds, 1e-9))},
                {"Activations and scratch", number(static_cast<double>(summary.peak_memory) / 1e6) + " MB"}};
  page.accuracies.columns = {str_cat("kNN, k = ", how.neighbours)};
  if (how.linear_epochs > 0) page.accuracies.columns.push_back("linear probe");
  const auto row = [&](const char* name, const accuracies& a) {
    accuracy_table::row made{name, {a.knn}};
    if (how.linear_epochs > 0) made.values.push_back(a.linear);
    page.accuracies.rows.push_back(std::move(made));
  };
  row("this encoder", found.trained);
  row("the same, untrained", found.untrained);
  row("raw pixels", found.pixels);
  page.charts.push_back(curve_of(folder, "loss", "Loss", card.loss));
  if (auto accuracy = curve_of(folder, "knn", "kNN accuracy", "kNN accuracy (%)", 100);
      !accuracy.curves[0].x.empty()) {
    accuracy.references = {{"untrained", 100 * found.untrained.knn}, {"raw pixels", 100 * found.pixels.knn}};
    page.charts.push_back(std::move(accuracy));
  }
  add_curve(page, folder, "learning_rate", "Learning rate", "learning rate");
  add_curve(page, folder, "target_momentum", "Momentum of the target", "part kept per step");
  add_curve(page, folder, "embedding_spread", "Spread of the embedding", "of an even spread");
  add_curve(page, folder, "effective_rank", "Effective rank of the embedding", "dimensions");
  page.sheets = read_pictures(folder.path());
  page.neighbours = neighbour_rows(data, found, stream);
  page.embedding = picture_of(data, found, stream);
  for (const auto& [name, value] : settings_of(asked)) page.configuration.push_back({name, value});
  page.provenance = {{"Compiler", str_cat("C++", __cplusplus / 100 % 100, ", ", __VERSION__)}};
  if (!summary.skipped.empty()) {
    page.notes.push_back(str_cat(summary.skipped.size(), " images could not be read and were skipped:"));
    for (const auto& [name, fault] : summary.skipped) page.notes.push_back(fault);
  }
  write_report(folder.path() / "report.html", page);
}

}  // namespace programs
