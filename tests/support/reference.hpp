#pragma once
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include <pretext/io/safetensors.hpp>

namespace pretext::tests {

/// A case computed by another implementation. The environment variable PRETEXT_REFERENCE_DIR may name another
/// folder of such cases.
safetensors reference(const std::string& name);

/// A hyper-parameter of a case: JSON, which reference.cpp reads, because its parser takes seconds to compile.
class setting {
 public:
  explicit setting(std::string text) : text_{std::move(text)} {}

  /// T: one of the types that reference.cpp instantiates.
  template <class T>
  T get() const;
  std::vector<setting> elements() const;  ///< of an array
  setting operator[](std::size_t index) const { return elements().at(index); }
  setting at(const std::string& key) const;  ///< of an object
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

inline setting hyper_parameter(const safetensors& file, const std::string& name) {
  return setting{file.metadata.at(name)};
}

/// The largest difference, relative to the largest expected magnitude.
template <class T>
double relative_difference(const std::vector<T>& found, const std::vector<double>& expected) {
  REQUIRE(found.size() == expected.size());
  double difference = 0, largest = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    const double error = std::abs(static_cast<double>(found[i]) - expected[i]);
    difference = std::isnan(error) ? error : std::max(difference, error);
    largest = std::max(largest, std::abs(expected[i]));
  }
  return difference / std::max(largest, 1e-30);
}

/// The images of a case, (n, C, H, W), with the channels last.
template <class T>
std::vector<T> channels_last(const safetensor& images) {
  const auto values = images.template as<T>();
  const std::size_t n = images.shape[0], c = images.shape[1], pixels = images.shape[2] * images.shape[3];
  std::vector<T> result(values.size());
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t k = 0; k < c; ++k)
      for (std::size_t p = 0; p < pixels; ++p)
        result[(i * pixels + p) * c + k] = values[(i * c + k) * pixels + p];
  return result;
}

}  // namespace pretext::tests
