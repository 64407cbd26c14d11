#pragma once
#include <cstddef>
#include <limits>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace programs {

/// The numbers that an option accepts; NaN and infinity never are.
struct range {
  double min = -std::numeric_limits<double>::infinity(), max = std::numeric_limits<double>::infinity();
  bool above_min = false, below_max = false;  // is the bound itself excluded?
};
struct positive : range {
  constexpr positive() : range{.min = 0, .above_min = true} {}
};
struct non_negative : range {
  constexpr non_negative() : range{.min = 0} {}
};
struct between : range {
  constexpr between(double least, double most) : range{.min = least, .max = most} {}
};
struct below_one : range {
  constexpr below_one() : range{.min = 0, .max = 1, .below_max = true} {}
};
/// The words that an option accepts.
struct one_of {
  std::vector<std::string> values;
};

/// One member of a recipe. A single entry serves recipe.json, the report and the command line.
struct field {
  const char* key;  // in recipe.json; empty: for the command line only
  std::variant<std::string*, bool*, std::size_t*, double*> value;
  const char* option = "";  // "--temperature"; empty: not on the command line
  const char* help = "";
  std::variant<std::monostate, range, one_of> accepts{};
  const char* omitted =
      "null";  // the JSON of a value that recipe.json leaves out: the default of a later version
};

/// What is wrong with `text` as a value of the field, for example "Value 1 not in range: it must be from 2
/// to 65536"; empty if
/// nothing is.
std::string fault_of(const field& member, std::string_view text);

}  // namespace programs
