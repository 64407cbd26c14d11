// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include <pretext/core/expects.hpp>
#include <pretext/core/is_finite.hpp>
#include <pretext/core/parse_number.hpp>
#include <pretext/io/utf8.hpp>
#include <pretext/runtime/checkpoint.hpp>

namespace pretext::inline v0_1 {

/// What the checkpoint of a run records besides the buffers of its trainer.
struct run_state {
  std::size_t step = 0;  ///< steps taken
  double seconds = 0;    ///< since the start of the training, without pauses
  double loss = 0;       ///< of the last step
  std::size_t peak_memory =
      0;  ///< bytes of activations and workspace, the largest of all processes of the run
  std::map<std::size_t, std::string> skipped;        ///< index and fault of each image that was replaced
  std::string config_fingerprint, data_fingerprint;  ///< of `run_options`; data: empty where there is none
  bool measured_start = false;              ///< were the embeddings of the first step tested for collapse?
  double first_spread = 0, first_rank = 0;  ///< their `collapse_report::std` and `effective_rank`
  std::size_t rows_at_chance = 0;           ///< the last rows of metrics.csv whose loss is that of chance
};

namespace detail {

/// One line "INDEX FAULT" per image; faults contain names of files, which may have line breaks and need not
/// be UTF-8.
inline std::string lines_of(const std::map<std::size_t, std::string>& skipped) {
  std::string text;
  for (const auto& [index, fault] : skipped) {
    std::string line = str_cat(index, " ", fault);
    for (char& c : line)
      if (c == '\n') c = ' ';
    for (std::size_t at; (at = find_invalid_utf8(line)) < line.size();) line[at] = '?';
    text += line + '\n';
  }
  return text;
}

/// What `lines_of` has written; other lines are left out.
inline std::map<std::size_t, std::string> skipped_of(std::string_view lines) {
  std::map<std::size_t, std::string> faults;
  for (std::size_t end; (end = lines.find('\n')) != lines.npos; lines.remove_prefix(end + 1)) {
    const std::string_view line = lines.substr(0, end);
    const std::size_t space = std::min(line.find(' '), line.size());
    if (const auto index = parse_number<std::size_t>(line.substr(0, space)))
      faults.emplace(*index, line.substr(std::min(space + 1, line.size())));
  }
  return faults;
}

/// Reads the metadata of a checkpoint; messages name the file and the entry.
class run_metadata {
 public:
  run_metadata(const std::map<std::string, std::string>& entries, std::string file)
      : entries_{entries}, file_{std::move(file)} {}

  const std::string& text(const char* name) const {
    const auto found = entries_.find(name);
    if (found == entries_.end())
      throw_error<std::runtime_error>(file_, ": has no metadata \"", name,
                                      "\"; it is no checkpoint of a run");
    return found->second;
  }
  /// A number that is finite and not negative; `otherwise` where there is no entry.
  template <class Number>
  Number number(const char* name, std::optional<Number> otherwise = {}) const {
    if (otherwise && !entries_.contains(name)) return *otherwise;
    const auto value = parse_number<Number>(text(name));
    if (!value || !pretext::detail::is_finite(static_cast<double>(*value)))
      throw_error<std::runtime_error>(file_, ": the metadata \"", name, "\" cannot be ", quote(text(name)));
    return *value;
  }
  std::map<std::size_t, std::string> skipped() const {
    const auto found = entries_.find("skipped");
    return found == entries_.end() ? std::map<std::size_t, std::string>{} : skipped_of(found->second);
  }

 private:
  const std::map<std::string, std::string>& entries_;
  std::string file_;
};

}  // namespace detail

/// The state as metadata of a checkpoint.
inline std::map<std::string, std::string> metadata_of(const run_state& state) {
  std::map<std::string, std::string> entries{{"step", str_cat(state.step)},
                                             {"seconds", str_cat(state.seconds)},
                                             {"loss", str_cat(state.loss)},
                                             {"peak_memory", str_cat(state.peak_memory)},
                                             {"identity", state.config_fingerprint}};
  if (!state.data_fingerprint.empty()) entries["data"] = state.data_fingerprint;
  if (state.measured_start) {
    entries["first_spread"] = str_cat(state.first_spread);
    entries["first_rank"] = str_cat(state.first_rank);
  }
  if (state.rows_at_chance > 0) entries["rows_at_chance"] = str_cat(state.rows_at_chance);
  if (!state.skipped.empty()) entries["skipped"] = detail::lines_of(state.skipped);
  return entries;
}

/// Reads the metadata of a checkpoint; entries that earlier versions did not write have their default values.
/// Throws std::runtime_error that names `file` and the entry if one is missing or is no number.
inline run_state run_state_from(const std::map<std::string, std::string>& metadata, const std::string& file) {
  const detail::run_metadata entries{metadata, file};
  const auto data = metadata.find("data");
  return {.step = entries.number<std::size_t>("step"),
          .seconds = entries.number<double>("seconds"),
          .loss = entries.number<double>("loss", 0.0),
          .peak_memory = entries.number<std::size_t>("peak_memory", std::size_t{0}),
          .skipped = entries.skipped(),
          .config_fingerprint = entries.text("identity"),
          .data_fingerprint = data == metadata.end() ? "" : data->second,
          .measured_start = metadata.contains("first_spread"),
          .first_spread = entries.number<double>("first_spread", 0.0),
          .first_rank = entries.number<double>("first_rank", 0.0),
          .rows_at_chance = entries.number<std::size_t>("rows_at_chance", std::size_t{0})};
}

/// The state of the run that wrote a checkpoint, without its buffers. Throws std::runtime_error that names
/// the file if it is no checkpoint of a run.
inline run_state read_run_state(const std::filesystem::path& checkpoint) {
  return run_state_from(read_safetensors_metadata(checkpoint), checkpoint.string());
}

}  // namespace pretext::inline v0_1
