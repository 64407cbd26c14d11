#include "run_report.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <exception>
#include <utility>
#include <vector>

#include <pretext/evaluation/nearest_neighbours.hpp>
#include <pretext/report/report.hpp>
#include <pretext/runtime/metrics.hpp>

#include "counted.hpp"
#include "exit_status.hpp"
#include "feature_plot.hpp"
#include "method_info.hpp"
#include "metrics_report.hpp"
#include "pictures.hpp"

namespace programs {
namespace {

using namespace pretext;

std::string class_name(const any_source& source, int label) {
  const auto& names = source.class_names();
  return label >= 0 && static_cast<std::size_t>(label) < names.size() ? names[static_cast<std::size_t>(label)]
                                                                      : std::string{"?"};
}

std::vector<neighbour_row> neighbour_rows(const datasets& data, const evaluation_result& evaluated,
                                          const cpu::stream& stream) {
  feature_table queries{0, evaluated.test.width, {}, {}};
  std::vector<std::size_t> chosen;
  const std::size_t rows = std::min<std::size_t>(10, evaluated.test.count);
  for (std::size_t i = 0; i < rows; ++i) {
    chosen.push_back(spread(i, rows, evaluated.test.count));
    queries.values.insert(queries.values.end(), evaluated.test.row(chosen.back()),
                          evaluated.test.row(chosen.back()) + evaluated.test.width);
    queries.labels.push_back(evaluated.test.labels[chosen.back()]);
    ++queries.count;
  }
  std::vector<neighbour_row> result;
  const std::size_t k = std::min<std::size_t>(8, evaluated.train.count);
  const auto nearest = nearest_neighbours(evaluated.train, queries, k, stream);
  for (std::size_t q = 0; q < queries.count; ++q) {
    neighbour_row row;
    data.test.read(chosen[q], row.query);
    row.label = class_name(data.test, queries.labels[q]);
    for (std::size_t i = 0; i < k; ++i) {
      const std::size_t index = nearest[q * k + i].index;
      neighbour_picture picture;
      data.train.read(index, picture.picture);
      picture.label = class_name(data.train, evaluated.train.labels[index]);
      picture.same_class = evaluated.train.labels[index] == queries.labels[q];
      row.nearest.push_back(std::move(picture));
    }
    result.push_back(std::move(row));
  }
  return result;
}

chart curve_of(const run_folder& folder, const std::string& column, const std::string& title,
               const std::string& unit, double scale = 1) {
  chart result{title, "epoch", unit, {{title, {}, {}}}, {}};
  for (const auto& [x, y] : read_metrics(folder.path() / "metrics.csv", "epoch", column)) {
    result.curves[0].x.push_back(x);
    result.curves[0].y.push_back(y * scale);
  }
  return result;
}

/// Adds the curve of a column of metrics.csv, if the run has that column.
void add_curve(report& page, const run_folder& folder, const std::string& column, const std::string& title,
               const std::string& unit) {
  if (!has_metric(folder.path() / "metrics.csv", column)) return;
  if (auto curve = curve_of(folder, column, title, unit); !curve.curves[0].x.empty())
    page.charts.push_back(std::move(curve));
}

/// Adds a section of the report. If the files that it shows are damaged, the report has a note instead: the
/// evaluation is not lost.
template <class Add>
void add_section(report& page, const char* name, const Add& add) {
  try {
    add();
  } catch (const std::exception& error) {
    const std::string note = str_cat("the report has no ", name, ": ", sentence_of(error));
    std::fprintf(stderr, "%s\n", note.c_str());
    page.notes.push_back(note);
  }
}

}  // namespace

void write_run_report(const run_folder& folder, recipe& config, const datasets& data,
                      const evaluation_result& evaluated, const evaluation_options& options,
                      const std::string& command_line) {
  const cpu::stream stream{options.compute.threads};
  const run_summary summary = folder.read_summary();
  const method_info info = info_of(config.method);
  report page;
  page.title = str_cat(info.title, " on ", data.train.size(),
                       config.data == "builtin" ? " built-in images" : " images");
  page.summary =
      str_cat(config.encoder, " at ", config.image_size, " pixels, ", counted(config.epochs, "epoch"),
              info.learns_labels ? " with labels." : " without labels.");
  page.command_line = command_line;
  const auto number = [](double x) {
    char text[32];
    return std::string{text, std::to_chars(text, text + sizeof text, x, std::chars_format::general, 4).ptr};
  };
  page.facts = {
      {"Method", str_cat(info.title, " (", info.paper, ")")},
      {"Encoder", config.encoder},
      {"Training images", std::to_string(data.train.size())},
      {"Pretraining", number(summary.seconds) + " s"},
      {"Images per second",
       number(static_cast<double>(summary.steps * config.batch) / std::max(summary.seconds, 1e-9))},
      {"Activations and workspace", number(static_cast<double>(summary.peak_memory) / 1e6) + " MB"}};
  page.accuracies.columns = {str_cat("kNN, k = ", options.neighbours)};
  if (options.linear_epochs > 0) page.accuracies.columns.push_back("linear probe");
  page.accuracies.columns.push_back("balanced accuracy");
  const auto row = [&](const char* name, const accuracies& a) {
    accuracy_table::row values{name, {a.knn}};
    if (options.linear_epochs > 0) values.values.push_back(a.linear);
    values.values.push_back(a.metrics().balanced_accuracy);
    page.accuracies.rows.push_back(std::move(values));
  };
  row("this encoder", evaluated.trained);
  row("the same, untrained", evaluated.untrained);
  row("raw pixels", evaluated.pixels);
  add_tables(page, evaluated.trained.metrics(), data.test.class_names(),
             options.linear_epochs > 0 ? "linear probe" : "kNN");
  add_section(page, "curves", [&] {
    page.charts.push_back(curve_of(folder, "loss", "Loss", info.loss));
    if (auto accuracy = curve_of(folder, "knn", "kNN accuracy", "kNN accuracy (%)", 100);
        !accuracy.curves[0].x.empty()) {
      accuracy.references = {{"untrained", 100 * evaluated.untrained.knn},
                             {"raw pixels", 100 * evaluated.pixels.knn}};
      page.charts.push_back(std::move(accuracy));
    }
    add_curve(page, folder, "learning_rate", "Learning rate", "learning rate");
    add_curve(page, folder, "target_momentum", "Momentum of the target", "EMA decay per step");
    add_curve(page, folder, "embedding_spread", "Spread of the embedding",
              "relative to a uniform distribution");
    add_curve(page, folder, "effective_rank", "Effective rank of the embedding", "dimensions");
  });
  add_section(page, "pictures of the run", [&] { page.sheets = read_pictures(folder.path()); });
  add_section(page, "nearest neighbours", [&] { page.neighbours = neighbour_rows(data, evaluated, stream); });
  add_section(page, "embedding", [&] {
    page.embedding = plot_of_features(evaluated.test, true, data.test.class_names(), "test images", stream);
  });
  for (const auto& [name, value] : configuration_of(folder.read_recipe_text(), config))
    page.configuration.push_back({name, value});
  page.provenance = {{"Compiler", str_cat("C++", __cplusplus / 100 % 100, ", ", __VERSION__)}};
  if (!summary.skipped.empty()) {
    page.notes.push_back(str_cat(unread(summary.skipped.size()), " skipped:"));
    for (const auto& [name, error] : summary.skipped) page.notes.push_back(error);
  }
  if (!evaluated.left_out.empty()) {
    page.notes.push_back(str_cat(unread(evaluated.left_out.size()), " left out of the evaluation:"));
    for (const auto& [name, error] : evaluated.left_out) page.notes.push_back(error);
  }
  write_report(folder.path() / "report.html", page);
}

void write_fine_tuning_report(const run_folder& folder, recipe& config, const classification_metrics& metrics,
                              const std::vector<std::string>& classes,
                              const std::map<std::string, std::string>& left_out) {
  report page;
  page.title = str_cat("Fine-tuning on ", config.data == "builtin" ? "built-in images" : config.data);
  page.summary =
      str_cat(config.encoder, " at ", config.image_size, " pixels, ", counted(config.epochs, "epoch"),
              " with labels; tested on ", counted(metrics.count, "image"), ".");
  page.accuracies = {{"accuracy", "balanced accuracy"},
                     {{"this classifier", {metrics.accuracy, metrics.balanced_accuracy}}}};
  add_tables(page, metrics, classes, "test images");
  add_section(page, "curves", [&] {
    add_curve(page, folder, "loss", "Loss", "cross-entropy");
    add_curve(page, folder, "accuracy", "Accuracy on the test images", "accuracy");
    add_curve(page, folder, "learning_rate", "Learning rate", "learning rate");
  });
  for (const auto& [name, value] : configuration_of(folder.read_recipe_text(), config))
    page.configuration.push_back({name, value});
  page.provenance = {{"Compiler", str_cat("C++", __cplusplus / 100 % 100, ", ", __VERSION__)}};
  if (!left_out.empty()) {
    page.notes.push_back(str_cat(unread(left_out.size()), " left out of the test:"));
    for (const auto& [name, error] : left_out) page.notes.push_back(error);
  }
  write_report(folder.path() / "report.html", page);
}

}  // namespace programs
