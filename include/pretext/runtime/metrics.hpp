#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <pretext/core/expects.hpp>
#include <pretext/io/file.hpp>

namespace pretext::inline v0_1 {

/// A CSV file of metrics that a run appends rows to; the first column is the step, and cells may be empty.
/// For one thread at a time.
class metrics_file {
 public:
  /// Opens the file for a run that has taken `step` steps: keeps the rows up to that step if the file has the
  /// same columns, and drops the others. Throws std::runtime_error that names the file if it cannot be
  /// written.
  metrics_file(std::filesystem::path path, std::vector<std::string> columns, std::size_t step)
      : path_{std::move(path)}, columns_{std::move(columns)} {
    std::string text;
    for (const auto& column : columns_) text += (text.empty() ? "" : ",") + column;
    text += '\n';
    if (std::ifstream old{path_}; step > 0 && old) {
      std::string line;
      std::getline(old, line);
      if (line + '\n' == text)
        while (std::getline(old, line))
          if (!line.empty() && std::stoull(line) <= step) text += line + '\n';
    }
    write_atomically(path_, text);
  }

  /// Appends a row; columns without a value stay empty. Throws std::runtime_error if the disk is full.
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
/// The cells of a line of a CSV file that has no quotes.
inline std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> cells;
  std::stringstream stream{line + ","};
  for (std::string cell; std::getline(stream, cell, ',');) cells.push_back(cell);
  return cells;
}
}  // namespace detail

/// Does a metrics file have a column of that name? False where the file does not exist.
inline bool has_metric(const std::filesystem::path& path, const std::string& name) {
  std::ifstream file{path};
  std::string line;
  std::getline(file, line);
  const auto names = detail::cells_of(line);
  return std::ranges::find(names, name) != names.end();
}

/// Two columns of a metrics file as (x, y) pairs, without the rows where one of the cells is empty. Throws
/// std::runtime_error that names the file if it does not exist or lacks a column.
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
  const std::size_t x_column = column(x), y_column = column(y);
  std::vector<std::pair<double, double>> pairs;
  while (std::getline(file, line)) {
    const auto row = detail::cells_of(line);
    if (row.size() > std::max(x_column, y_column) && !row[x_column].empty() && !row[y_column].empty())
      pairs.emplace_back(std::stod(row[x_column]), std::stod(row[y_column]));
  }
  return pairs;
}

}  // namespace pretext::inline v0_1
