#pragma once
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>

#include <unistd.h>

namespace pretext::inline v0_1 {

/// The progress of a run: loss, images per second and time left, on one line of a terminal that is rewritten
/// at most five times per second; where the output is no terminal, a new line every 20 seconds. For one
/// thread at a time.
class progress {
 public:
  explicit progress(std::size_t steps, std::size_t images_per_step, std::FILE* out = stderr)
      : steps_{steps},
        images_{images_per_step},
        out_{out},
        terminal_{isatty(fileno(out)) == 1},
        shown_{clock::now()} {}

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
    std::fprintf(out_, terminal_ ? "\r\033[K%s" : "%s\n", line(done, loss).c_str());
    std::fflush(out_);
  }

  /// Ends the line on a terminal, so that other output starts on a new one.
  void finish() const {
    if (terminal_ && timing_) std::fputc('\n', out_);
  }

  /// Mean images per second since the first call of `show`; 0 before the second one.
  double images_per_second() const {
    const double seconds = std::chrono::duration<double>(clock::now() - started_).count();
    return last_ == first_ || seconds <= 0 ? 0 : static_cast<double>((last_ - first_) * images_) / seconds;
  }

 private:
  using clock = std::chrono::steady_clock;

  std::string line(std::size_t done, double loss) const {
    constexpr std::size_t width = 24;
    const std::size_t filled = steps_ == 0 ? width : width * done / steps_;
    const double rate = images_per_second();
    const double left = rate > 0 ? static_cast<double>((steps_ - done) * images_) / rate : 0;
    char text[160];
    std::snprintf(text, sizeof text, "[%.*s%.*s] step %zu/%zu  loss %.4f  %.0f images/s  %s left",
                  static_cast<int>(filled), "########################", static_cast<int>(width - filled),
                  "........................", done, steps_, loss, rate, duration(left).c_str());
    return text;
  }

  static std::string duration(double seconds) {
    const auto whole = static_cast<long>(seconds + 0.5);
    char text[48];
    if (whole >= 3600)
      std::snprintf(text, sizeof text, "%ld h %02ld min", whole / 3600, whole / 60 % 60);
    else if (whole >= 60)
      std::snprintf(text, sizeof text, "%ld min %02ld s", whole / 60, whole % 60);
    else
      std::snprintf(text, sizeof text, "%ld s", whole);
    return text;
  }

  std::size_t steps_, images_, first_ = 0, last_ = 0;
  std::FILE* out_;
  bool terminal_, timing_ = false;
  clock::time_point shown_, started_{};
};

}  // namespace pretext::inline v0_1
