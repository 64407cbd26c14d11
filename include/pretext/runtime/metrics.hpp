// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <charconv>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <pretext/core/expects.hpp>
#include <pretext/core/parse_number.hpp>
#include <pretext/io/file.hpp>

namespace pretext::inline v0_1 {

namespace detail {

/// The lines of a text that end with a line break, without it. A process that is killed, or a disk that is
/// full, leaves a last line without one, whose numbers may be cut off.
inline std::vector<std::string_view> complete_lines(std::string_view text) {
  std::vector<std::string_view> lines;
  for (std::size_t end; (end = text.find('\n')) != text.npos; text.remove_prefix(end + 1)) {
    lines.push_back(text.substr(0, end));
    if (lines.back().ends_with('\r')) lines.back().remove_suffix(1);
  }
  return lines;
}

/// The cells of a line of a CSV file that has no quotes.
inline std::vector<std::string> cells_of(std::string_view line) {
  std::vector<std::string> cells;
  for (std::size_t end; (end = line.find(',')) != line.npos; line.remove_prefix(end + 1))
    cells.emplace_back(line.substr(0, end));
  cells.emplace_back(line);
  return cells;
}

/// Has a row so many cells, each empty or a number?
inline bool is_metrics_row(const std::vector<std::string>& cells, std::size_t columns) {
  return cells.size() == columns && std::ranges::all_of(cells, [](const std::string& cell) {
           return cell.empty() || parse_number<double>(cell);
         });
}

inline std::string text_of_file(const std::filesystem::path& path) {
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, {}};
}

}  // namespace detail

/// A CSV file of metrics that a run appends rows to; the first column is the step, and cells may be empty.
/// Numbers have a decimal point in every locale. For one thread at a time.
class metrics_file {
 public:
  /// Opens the file for a run that has taken `step` steps: keeps the rows up to that step if the file has the
  /// same columns, and drops the others and whatever is no row, such as one that was cut off. Throws
  /// std::runtime_error that names the file if it cannot be written.
  metrics_file(std::filesystem::path path, std::vector<std::string> columns, std::size_t step)
      : path_{std::move(path)}, columns_{std::move(columns)} {
    std::string text;
    for (const auto& column : columns_) text += (text.empty() ? "" : ",") + column;
    text += '\n';
    if (const std::string old = step > 0 ? detail::text_of_file(path_) : std::string{}; !old.empty()) {
      const auto lines = detail::complete_lines(old);
      if (!lines.empty() && detail::cells_of(lines[0]) == columns_)
        for (const std::string_view line : lines) {
          const auto cells = detail::cells_of(line);
          const auto taken = detail::parse_number<std::size_t>(cells[0]);
          if (taken && *taken <= step && detail::is_metrics_row(cells, columns_.size()))
            (text += line) += '\n';
        }
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
        line.append(
            text, std::to_chars(text, text + sizeof text, found->second, std::chars_format::general, 7).ptr);
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

/// Does a metrics file have a column of that name? False where the file does not exist.
inline bool has_metric(const std::filesystem::path& path, const std::string& name) {
  const std::string text = detail::text_of_file(path);
  const auto lines = detail::complete_lines(text);
  if (lines.empty()) return false;
  const auto names = detail::cells_of(lines[0]);
  return std::ranges::find(names, name) != names.end();
}

/// Two columns of a metrics file as (x, y) pairs, without the rows where one of the cells is empty and
/// without a last line that was cut off. Throws std::runtime_error that names the file if it does not exist
/// or lacks a column, and also the line if that is no row of numbers.
inline std::vector<std::pair<double, double>> read_metrics(const std::filesystem::path& path,
                                                           const std::string& x, const std::string& y) {
  if (!std::ifstream{path})
    throw_error<std::runtime_error>(path.string(), ": cannot be opened; has the run been started?");
  const std::string text = detail::text_of_file(path);
  const auto lines = detail::complete_lines(text);
  const auto names = detail::cells_of(lines.empty() ? std::string_view{} : lines[0]);
  const auto column = [&](const std::string& name) {
    const auto found = std::ranges::find(names, name);
    if (found == names.end())
      throw_error<std::runtime_error>(path.string(), ": has no column \"", name, "\"");
    return static_cast<std::size_t>(found - names.begin());
  };
  const std::size_t x_column = column(x), y_column = column(y);
  std::vector<std::pair<double, double>> pairs;
  for (std::size_t i = 1; i < lines.size(); ++i) {
    if (lines[i].empty()) continue;
    const auto row = detail::cells_of(lines[i]);
    if (!detail::is_metrics_row(row, names.size()))
      throw_error<std::runtime_error>(path.string(), ": line ", i + 1, " is no row of ", names.size(),
                                      " numbers; delete that line");
    if (!row[x_column].empty() && !row[y_column].empty())
      pairs.emplace_back(*detail::parse_number<double>(row[x_column]),
                         *detail::parse_number<double>(row[y_column]));
  }
  return pairs;
}

}  // namespace pretext::inline v0_1
