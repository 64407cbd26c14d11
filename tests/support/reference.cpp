#include "support/reference.hpp"

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace pretext::tests {

safetensors reference(const std::string& name) {
  const char* other = std::getenv("PRETEXT_REFERENCE_DIR");
  return read_safetensors(std::filesystem::path{other ? other : PRETEXT_REFERENCE} / (name + ".safetensors"));
}

template <class T>
T setting::get() const {
  return nlohmann::json::parse(text_).get<T>();
}
template bool setting::get() const;
template int setting::get() const;
template std::size_t setting::get() const;
template float setting::get() const;
template double setting::get() const;
template std::string setting::get() const;
template std::vector<std::string> setting::get() const;
template std::vector<std::int64_t> setting::get() const;
template std::vector<float> setting::get() const;
template std::vector<double> setting::get() const;

std::vector<setting> setting::elements() const {
  std::vector<setting> all;
  for (const auto& element : nlohmann::json::parse(text_)) all.emplace_back(element.dump());
  return all;
}

setting setting::at(const std::string& key) const {
  return setting{nlohmann::json::parse(text_).at(key).dump()};
}

}  // namespace pretext::tests
