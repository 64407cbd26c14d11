#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <pretext/core/expects.hpp>
#include <pretext/io/file.hpp>

namespace pretext {

/// A table of numbers in a CSV file that grows by a row now and then; the first column is the step. Empty
/// cells are allowed. A resumed run drops the rows behind its step and goes on.
class metrics {
 public:
  /// Opens the file for a run that stands at `step`; throws std::runtime_error that names the file if it
  /// cannot be written.
  metrics(std::filesystem::path path, std::vector<std::string> columns, std::size_t step)
      : path_{std::move(path)}, columns_{std::move(columns)} {
    std::string kept;
    for (const auto& column : columns_) kept += (kept.empty() ? "" : ",") + column;
    kept += '\n';
    if (std::ifstream old{path_}; step > 0 && old) {
      std::string line;
      std::getline(old, line);
      if (line + '\n' == kept)
        while (std::getline(old, line))
          if (!line.empty() && std::stoull(line) <= step) kept += line + '\n';
    }
    write_atomically(path_, kept);
  }

  /// Adds a row; columns that are not named stay empty. Throws std::runtime_error on a full disk.
  void add(std::size_t step, const std::map<std::string, double>& values) {
    std::string line = std::to_string(step);
    for (std::size_t i = 1; i < columns_.size(); ++i) {
      line += ',';
      if (const auto found = values.find(columns_[i]); found != values.end()) {
        char text[32];
        std::snprintf(text, sizeof text, "%.7g", found->second);
        line += text;
      }
    }
    std::ofstream file{path_, std::ios::app};
    file << line << '\n';
    file.close();
    if (!file) throw_error<std::runtime_error>(path_.string(), ": cannot be written; is the disk full?");
  }

 private:
  std::filesystem::path path_;
  std::vector<std::string> columns_;
};

namespace detail {
/// The cells of a line of a CSV file without quotes.
inline std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> parts;
  std::stringstream stream{line + ","};
  for (std::string part; std::getline(stream, part, ',');) parts.push_back(part);
  return parts;
}
}  // namespace detail

/// Does the file have a column of that name?
inline bool has_metric(const std::filesystem::path& path, const std::string& name) {
  std::ifstream file{path};
  std::string line;
  std::getline(file, line);
  const auto names = detail::cells_of(line);
  return std::ranges::find(names, name) != names.end();
}

/// Columns of a metrics file by name: (x, y) pairs where both cells hold a number.
inline std::vector<std::pair<double, double>> read_metrics(const std::filesystem::path& path,
                                                           const std::string& x, const std::string& y) {
  std::ifstream file{path};
  if (!file) throw_error<std::runtime_error>(path.string(), ": cannot be opened; has the run been started?");
  std::string line;
  std::getline(file, line);
  const auto names = detail::cells_of(line);
  const auto column = [&](const std::string& name) {
    for (std::size_t i = 0; i < names.size(); ++i)
      if (names[i] == name) return i;
    throw_error<std::runtime_error>(path.string(), ": has no column \"", name, "\"");
  };
  const std::size_t across = column(x), down = column(y);
  std::vector<std::pair<double, double>> pairs;
  while (std::getline(file, line)) {
    const auto row = detail::cells_of(line);
    if (row.size() > std::max(across, down) && !row[across].empty() && !row[down].empty())
      pairs.emplace_back(std::stod(row[across]), std::stod(row[down]));
  }
  return pairs;
}

}  // namespace pretext
