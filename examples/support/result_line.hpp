#pragma once
#include <cstddef>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace programs {

/// A name and its value; a number that is NaN is written as null.
using result_member = std::pair<const char*, std::variant<bool, std::size_t, double, std::string>>;

/// Prints the line "result: {...}", one JSON object with these members in this order.
void print_result(const std::vector<result_member>& members);

/// A JSON array of texts; bytes that are not UTF-8, as names of files may have, are replaced.
std::string json_array(const std::vector<std::string>& texts);

/// Four digits behind the point.
double four_digits(double value);

}  // namespace programs
