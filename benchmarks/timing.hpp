#pragma once
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include <sys/resource.h>

#include <pretext/core/image.hpp>
#include <pretext/core/random.hpp>

/// Helpers of the timing programs.
namespace benchmarks {

/// Sorted durations of `calls` calls, after one untimed call.
template <class Call>
std::vector<double> milliseconds_of(int calls, Call&& call) {
  std::vector<double> durations;
  for (int i = -1; i < calls; ++i) {
    const auto start = std::chrono::steady_clock::now();
    call(i + 1);
    const std::chrono::duration<double, std::milli> elapsed = std::chrono::steady_clock::now() - start;
    if (i >= 0) durations.push_back(elapsed.count());
  }
  std::sort(durations.begin(), durations.end());
  return durations;
}

/// Prints one JSON line for benchmarks/compare.py. `macs`: multiply-adds of the forward pass; the backward
/// pass of a step has twice as many.
inline void report(const std::string& name, std::size_t threads, const std::vector<double>& milliseconds,
                   double macs) {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const double median = milliseconds[milliseconds.size() / 2];
  std::printf(
      "{\"side\": \"pretext\", \"case\": \"%s\", \"threads\": %zu, \"ms\": %.4f, \"fastest_ms\": %.4f, "
      "\"gflops\": %.1f, \"peak_mb\": %ld}\n",
      name.c_str(), threads, median, milliseconds.front(), 6 * macs / median / 1e6, usage.ru_maxrss / 1024);
}

/// Element i of a pseudo-random sequence in [-1, 1). sequence.py has the same one, so that both sides compute
/// with the same inputs.
inline float sequence_value(std::uint32_t i, std::uint32_t seed) {
  std::uint32_t h = i + seed * 0x9e3779b9u;
  h = (h ^ h >> 16) * 0x85ebca6bu;
  h = (h ^ h >> 13) * 0xc2b2ae35u;
  return static_cast<float>(h ^ h >> 16) / 2147483648.0f - 1;
}

/// A summary of a result, compared with that of PyTorch: its inner product with such a sequence, and its
/// norm.
struct fingerprint {
  double probe = 0, norm = 0;

  fingerprint() = default;
  fingerprint(const float* result, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      const double value = static_cast<double>(result[i]);
      probe += value * static_cast<double>(sequence_value(static_cast<std::uint32_t>(i), 9));
      norm += value * value;
    }
    norm = std::sqrt(norm);
  }
};

/// A batch of random images of Size x Size pixels; their sample ids count from 0.
template <std::size_t Size>
struct random_images {
  std::vector<std::uint8_t> pixels;
  std::vector<pretext::image_view> views;
  std::vector<std::uint64_t> samples;

  explicit random_images(std::size_t count) : pixels(count * Size * Size * 3) {
    for (std::size_t i = 0; i < pixels.size(); ++i)
      pixels[i] = static_cast<std::uint8_t>(pretext::random_key{.sample = i}.word(0) >> 24);
    for (std::size_t i = 0; i < count; ++i) {
      views.push_back({pixels.data() + i * Size * Size * 3, Size, Size, 3});
      samples.push_back(i);
    }
  }
};

}  // namespace benchmarks
