#pragma once
#include <string>
#include <vector>

#include <pretext/evaluation/classification_metrics.hpp>
#include <pretext/report/report.hpp>

#include "result_line.hpp"

// The figures of a classifier in summary.json and in a report: defects are rare, and accuracy alone hides
// them.
namespace programs {

/// Accuracy, balanced accuracy, mean AUROC, the figures of each class and, of up to 30 classes, the confusion
/// matrix, as JSON text. What does not exist, such as the recall of a class without images, is null.
std::string json_of(const pretext::classification_metrics& metrics, const std::vector<std::string>& classes);

/// Of these, accuracy, balanced accuracy and mean AUROC.
result_member accuracy_of(const pretext::classification_metrics& metrics);
result_member balanced_accuracy_of(const pretext::classification_metrics& metrics);
result_member auroc_of(const pretext::classification_metrics& metrics);

/// Adds a table of the classes, and of up to 30 of them the confusion matrix. `of`: what classified, such as
/// "linear probe".
void add_tables(pretext::report& page, const pretext::classification_metrics& metrics,
                const std::vector<std::string>& classes, const std::string& of);

}  // namespace programs
