#pragma once
#include <cstddef>
#include <string>
#include <variant>
#include <vector>

namespace programs {

// What values an option accepts.
struct positive {};
struct non_negative {};
struct between {
  double min, max;
};
struct one_of {
  std::vector<std::string> values;
};

/// One member of a recipe. A single entry serves recipe.json, the report and the command line.
struct field {
  const char* key;  // in recipe.json; empty: for the command line only
  std::variant<std::string*, bool*, std::size_t*, double*> value;
  const char* option = "";  // "--temperature"; empty: not on the command line
  const char* help = "";
  std::variant<std::monostate, positive, non_negative, between, one_of> accepts{};
};

}  // namespace programs
