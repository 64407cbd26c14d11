#include "result_line.hpp"

#include <cmath>
#include <cstdio>

#include <nlohmann/json.hpp>

namespace programs {

void print_result(const std::vector<result_member>& members) {
  nlohmann::ordered_json object = nlohmann::ordered_json::object();
  for (const auto& [name, value] : members)
    std::visit([&, key = name](const auto& held) { object[key] = held; }, value);
  std::printf("result: %s\n", object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
}

std::string json_array(const std::vector<std::string>& texts) {
  return nlohmann::json(texts).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

double four_digits(double value) { return std::round(value * 10000) / 10000; }

}  // namespace programs
