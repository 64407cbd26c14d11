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

/// A case computed by other people's code. PRETEXT_REFERENCE_DIR names another folder of cases of the same
/// kinds.
inline safetensors reference(const std::string& name) {
  const char* other = std::getenv("PRETEXT_REFERENCE_DIR");
  return read_safetensors(std::filesystem::path{other ? other : PRETEXT_REFERENCE} / (name + ".safetensors"));
}

/// A hyper-parameter of a case.
inline nlohmann::json hyper_parameter(const safetensors& file, const std::string& name) {
  return nlohmann::json::parse(file.metadata.at(name));
}

/// The largest difference, as a part of the largest number that was expected.
template <class T>
double relative_difference(const std::vector<T>& found, const std::vector<double>& expected) {
  REQUIRE(found.size() == expected.size());
  double difference = 0, largest = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    const double apart = std::abs(static_cast<double>(found[i]) - expected[i]);
    difference = std::isnan(apart) ? apart : std::max(difference, apart);
    largest = std::max(largest, std::abs(expected[i]));
  }
  return difference / std::max(largest, 1e-30);
}

/// Images of a case, (n, C, H, W), channels last.
template <class T>
std::vector<T> channels_last(const safetensor& images) {
  const auto numbers = images.template as<T>();
  const std::size_t n = images.shape[0], c = images.shape[1], places = images.shape[2] * images.shape[3];
  std::vector<T> turned(numbers.size());
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t k = 0; k < c; ++k)
      for (std::size_t p = 0; p < places; ++p)
        turned[(i * places + p) * c + k] = numbers[(i * c + k) * places + p];
  return turned;
}

}  // namespace pretext::tests
