#pragma once
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>
#include <pretext/io/safetensors.hpp>

namespace pretext::tests {

/// A case computed by another implementation. The environment variable PRETEXT_REFERENCE_DIR may name another
/// folder of such cases.
inline safetensors reference(const std::string& name) {
  const char* other = std::getenv("PRETEXT_REFERENCE_DIR");
  return read_safetensors(std::filesystem::path{other ? other : PRETEXT_REFERENCE} / (name + ".safetensors"));
}

/// A hyper-parameter of a case.
inline nlohmann::json hyper_parameter(const safetensors& file, const std::string& name) {
  return nlohmann::json::parse(file.metadata.at(name));
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
