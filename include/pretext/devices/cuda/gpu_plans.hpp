// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include <pretext/core/expects.hpp>
#include <pretext/core/parse_number.hpp>

namespace pretext::inline v0_1 {

namespace detail {
/// How many proposals of a library are timed, unless it compiles each.
inline constexpr std::size_t max_timed_proposals = 8;
}  // namespace detail

/// Which proposal of cuBLASLt and cuDNN computes each operation on a stream, and whether cuDNN's fused kernel
/// or other kernels do. The results of two proposals
/// differ by rounding, so that a run that is resumed with other choices has other bits: `to_text` and `take`
/// carry them over. Used by one thread at a time, as its stream.
class gpu_plans {
 public:
  /// Times the proposals of an operation at its first use, outside of a recording, and chooses the fastest;
  /// false: the first one that the library executes. A setting counts for operations without a choice.
  bool timed = false;
  /// Bytes of a result from which cuDNN may compile a kernel for its shape, to save passes over memory. That
  /// takes about a second. Not part of the text.
  std::size_t compiles_from = std::size_t{32} << 20;

  /// The choice for an operation: the number of a proposal, from 0.
  std::optional<std::size_t> find(const std::string& operation) const {
    const auto found = choices_.find(operation);
    return found == choices_.end() ? std::nullopt : std::optional{found->second};
  }
  void keep(const std::string& operation, std::size_t proposal) { choices_[operation] = proposal; }
  /// How many operations have a choice.
  std::size_t size() const { return choices_.size(); }

  /// The choices as text. `libraries`: `cuda_gpu::stream::libraries`, on which the numbers depend.
  std::string to_text(std::string_view libraries) const {
    std::string text =
        str_cat("# Which proposal of the GPU's libraries computes each operation: its number, from 0.\n", on,
                libraries, "\n", timed ? "timed" : "first", "\n");
    for (const auto& [operation, proposal] : choices_) text += str_cat(proposal, " ", operation, "\n");
    return text;
  }

  /// Adds the choices of such a text, and takes its setting; call it before the operations are used. Returns
  /// an empty text, or one sentence if they were made on another GPU or with other versions, and nothing was
  /// taken. Throws std::runtime_error that names the first line that is no choice, and takes nothing.
  std::string take(std::string_view text, std::string_view libraries) {
    gpu_plans read = *this;
    std::size_t number = 0, meaningful = 0;
    while (!text.empty()) {
      const std::string_view line = text.substr(0, text.find('\n'));
      text.remove_prefix(line.size() + (line.size() < text.size() ? 1 : 0));
      ++number;
      if (line.empty() || line.front() == '#') continue;
      if (++meaningful == 1) {
        if (!line.starts_with(on))
          throw_error<std::runtime_error>("line ", number, " is no choice of a plan: ", line);
        if (line.substr(on.size()) != libraries)
          return str_cat("these plans were chosen ", line, ", and this is ", libraries,
                         ", so that they are ignored");
      } else if (meaningful == 2 && (line == "timed" || line == "first")) {
        read.timed = line == "timed";
      } else {
        const auto space = line.find(' ');
        const auto proposal = detail::parse_number<std::size_t>(line.substr(0, space));
        if (meaningful == 2 || space == line.npos || !proposal)
          throw_error<std::runtime_error>("line ", number, " is no choice of a plan: ", line);
        read.keep(std::string{line.substr(space + 1)}, *proposal);
      }
    }
    if (meaningful < 2) throw_error<std::runtime_error>("line ", number + 1, " is missing");
    *this = std::move(read);
    return {};
  }

 private:
  static constexpr std::string_view on = "on ";  // before the GPU and its libraries

  std::map<std::string, std::size_t> choices_;
};

}  // namespace pretext::inline v0_1
