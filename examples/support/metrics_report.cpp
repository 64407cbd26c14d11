#include "metrics_report.hpp"

#include <cmath>
#include <cstddef>
#include <utility>

#include <nlohmann/json.hpp>
#include <pretext/core/expects.hpp>
#include <pretext/report/page.hpp>

namespace programs {
namespace {

using namespace pretext;

nlohmann::ordered_json rounded(double value) {
  if (std::isnan(value)) return nullptr;
  return four_digits(value);
}
std::string percent(double value) { return std::isnan(value) ? "–" : page::fixed(100 * value, 1) + " %"; }
std::string three_decimals(double value) { return std::isnan(value) ? "–" : page::fixed(value, 3); }

constexpr std::size_t most_confused = 30;  // classes of a confusion matrix that is shown

std::string name_of(const std::vector<std::string>& classes, std::size_t c) {
  return c < classes.size() ? classes[c] : std::to_string(c);
}

}  // namespace

std::string json_of(const classification_metrics& metrics, const std::vector<std::string>& classes) {
  nlohmann::ordered_json of_classes = nlohmann::ordered_json::array(),
                         confusion = nlohmann::ordered_json::array();
  for (std::size_t c = 0; c < metrics.classes; ++c) {
    of_classes.push_back({{"class", name_of(classes, c)},
                          {"images", metrics.images[c]},
                          {"recall", rounded(metrics.recall[c])},
                          {"precision", rounded(metrics.precision[c])},
                          {"auroc", rounded(metrics.auroc[c])}});
    const auto row = metrics.confusion.begin() + static_cast<std::ptrdiff_t>(c * metrics.classes);
    if (metrics.classes <= most_confused)
      confusion.push_back(std::vector<std::size_t>(row, row + static_cast<std::ptrdiff_t>(metrics.classes)));
  }
  const nlohmann::ordered_json all{{"images", metrics.count},
                                   {"accuracy", rounded(metrics.accuracy)},
                                   {"balanced_accuracy", rounded(metrics.balanced_accuracy)},
                                   {"auroc", rounded(metrics.mean_auroc)},
                                   {"classes", std::move(of_classes)},
                                   {"confusion", std::move(confusion)}};
  return all.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

result_member accuracy_of(const classification_metrics& metrics) {
  return {"accuracy", four_digits(metrics.accuracy)};
}
result_member balanced_accuracy_of(const classification_metrics& metrics) {
  return {"balanced_accuracy", four_digits(metrics.balanced_accuracy)};
}
result_member auroc_of(const classification_metrics& metrics) {
  return {"auroc", four_digits(metrics.mean_auroc)};
}

void add_tables(report& page, const classification_metrics& metrics, const std::vector<std::string>& classes,
                const std::string& of) {
  report_table figures{
      str_cat("Classes (", of, ")"),
      str_cat("Accuracy ", percent(metrics.accuracy), ", balanced accuracy (the mean of the recalls) ",
              percent(metrics.balanced_accuracy), ", mean AUROC ", three_decimals(metrics.mean_auroc),
              ". Recall: the share of a class that is found. Precision: the share of what is called so that "
              "is. AUROC: the class against all others; 0.5 is chance."),
      {"class", "images", "recall", "precision", "AUROC"},
      {}};
  for (std::size_t c = 0; c < metrics.classes; ++c)
    figures.rows.push_back({name_of(classes, c), std::to_string(metrics.images[c]),
                            percent(metrics.recall[c]), percent(metrics.precision[c]),
                            three_decimals(metrics.auroc[c])});
  page.tables.push_back(std::move(figures));
  if (metrics.classes > most_confused) return;
  report_table confusion{str_cat("Confusion matrix (", of, ")"),
                         "Rows are the true classes, columns what they were called.",
                         {""},
                         {}};
  for (std::size_t c = 0; c < metrics.classes; ++c) {
    confusion.columns.push_back(name_of(classes, c));
    std::vector<std::string> row{name_of(classes, c)};
    for (std::size_t named = 0; named < metrics.classes; ++named)
      row.push_back(std::to_string(metrics.confusion[c * metrics.classes + named]));
    confusion.rows.push_back(std::move(row));
  }
  page.tables.push_back(std::move(confusion));
}

}  // namespace programs
