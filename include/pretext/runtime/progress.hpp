// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <string>

#include <pretext/core/expects.hpp>
#include <pretext/runtime/detail/terminal.hpp>

namespace pretext::inline v0_1 {

/// The progress of a run: loss, images per second and time left, on one line of a terminal that is rewritten
/// at most five times per second and never wraps: where the terminal is narrow, the bar becomes shorter, then
/// parts are left out. Where the output is no terminal, or one that cannot rewrite a line (TERM is "dumb" or
/// empty), a new line every 20 seconds, without escape sequences. For one thread at a time.
class progress {
 public:
  explicit progress(std::size_t steps, std::size_t images_per_step, std::FILE* out = stderr)
      : steps_{steps},
        images_{images_per_step},
        out_{out},
        terminal_{detail::rewrites_lines(out)},
        shown_{clock::now()} {}
  progress(const progress&) = delete;
  progress& operator=(const progress&) = delete;
  ~progress() { finish(); }

  /// Reports that `done` steps have been taken since the start of the training, not of this process.
  void show(std::size_t done, double loss) {
    const auto now = clock::now();
    if (!timing_) {
      timing_ = true;
      started_ = now;
      first_ = done;
    }
    last_ = done;
    const double gap = std::chrono::duration<double>(now - shown_).count();
    if (done < steps_ && gap < (terminal_ ? 0.2 : 20)) return;
    shown_ = now;
    std::fprintf(out_, terminal_ ? "\r\033[K%s" : "%s\n", line(done, loss, columns()).c_str());
    std::fflush(out_);
    unfinished_ = terminal_;
  }

  /// Ends the line on a terminal, so that other output starts on a new one. The destructor does it, too.
  void finish() {
    if (unfinished_) std::fputc('\n', out_);
    unfinished_ = false;
  }

  /// Mean images per second since the first call of `show`; 0 before the second one.
  double images_per_second() const {
    const double seconds = std::chrono::duration<double>(clock::now() - started_).count();
    return last_ == first_ || seconds <= 0 ? 0 : static_cast<double>((last_ - first_) * images_) / seconds;
  }

 private:
  using clock = std::chrono::steady_clock;

  /// Columns that a line may fill. Some terminals wrap when the last one is filled.
  std::size_t columns() const {
    if (!terminal_) return 1000;
    const std::size_t all = detail::terminal_columns(out_);
    return all > 0 ? all - 1 : 79;
  }

  std::string line(std::size_t done, double loss, std::size_t columns) const {
    constexpr std::size_t longest_bar = 24, shortest_bar = 8;
    const double rate = images_per_second();
    const double left = rate > 0 ? static_cast<double>((steps_ - done) * images_) / rate : 0;
    std::string text = str_cat("step ", done, "/", steps_);
    auto append = [&, full = false](const std::string& part) mutable {
      full = full || text.size() + part.size() > columns;
      if (!full) text += part;
    };
    append(str_cat("  loss ", fixed(loss, 4)));
    append(str_cat("  ", fixed(rate, 0), " images/s"));
    append(str_cat("  ", duration(left), " left"));
    if (text.size() + shortest_bar + 3 <= columns) {
      const std::size_t width = std::min(longest_bar, columns - text.size() - 3),
                        filled = steps_ == 0 ? width : width * std::min(done, steps_) / steps_;
      return str_cat("[", std::string(filled, '#'), std::string(width - filled, '.'), "] ", text);
    }
    return text.substr(0, columns);
  }

  /// A number with this many decimals, in every locale with a point.
  static std::string fixed(double value, int decimals) {
    std::array<char, 400> text{};
    return {
        text.data(),
        std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed, decimals).ptr};
  }

  static std::string duration(double seconds) {
    const auto whole = static_cast<long>(std::min(seconds, 1e9) + 0.5);
    const auto two_digits = [](long number) { return str_cat(number < 10 ? "0" : "", number); };
    if (whole >= 3600) return str_cat(whole / 3600, " h ", two_digits(whole / 60 % 60), " min");
    if (whole >= 60) return str_cat(whole / 60, " min ", two_digits(whole % 60), " s");
    return str_cat(whole, " s");
  }

  std::size_t steps_, images_, first_ = 0, last_ = 0;
  std::FILE* out_;
  bool terminal_, timing_ = false, unfinished_ = false;
  clock::time_point shown_, started_{};
};

}  // namespace pretext::inline v0_1
