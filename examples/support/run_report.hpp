#pragma once
#include <map>
#include <string>
#include <vector>

#include "datasets.hpp"
#include "evaluation.hpp"
#include "run_folder.hpp"

namespace programs {

/// Writes report.html to the folder of the run.
void write_run_report(const run_folder& folder, recipe& config, const datasets& data,
                      const evaluation_result& result, const evaluation_options& options,
                      const std::string& command_line);

/// Writes report.html to the folder of a fine-tuning: its curves, and the figures of its classes on the test
/// images. `left_out`: name and fault of images that could not be read.
void write_fine_tuning_report(const run_folder& folder, recipe& config,
                              const pretext::classification_metrics& metrics,
                              const std::vector<std::string>& classes,
                              const std::map<std::string, std::string>& left_out);

}  // namespace programs
