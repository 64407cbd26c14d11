#pragma once
#include <string>

#include "datasets.hpp"
#include "evaluation.hpp"
#include "run_folder.hpp"

namespace programs {

/// report.html in the run's folder.
void write_run_report(const run_folder& folder, const recipe& asked, const datasets& data,
                      const findings& found, const evaluation_options& how, const std::string& command_line);

}  // namespace programs
