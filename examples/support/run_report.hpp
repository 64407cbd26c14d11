#pragma once
#include <string>

#include "datasets.hpp"
#include "evaluation.hpp"
#include "run_folder.hpp"

namespace programs {

/// Writes report.html to the folder of the run.
void write_run_report(const run_folder& folder, recipe& config, const datasets& data,
                      const evaluation_result& result, const evaluation_options& options,
                      const std::string& command_line);

}  // namespace programs
