#pragma once
#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include <pretext/core/expects.hpp>
#include <pretext/io/utf8.hpp>

namespace programs {

/// What is wrong with a JSON text, in at most a few hundred printable characters.
inline std::string json_fault(std::string_view text, const std::exception& error) {
  if (const auto* wrong = dynamic_cast<const nlohmann::json::parse_error*>(&error)) {
    const std::string_view before =
        text.substr(0, std::min(text.size(), wrong->byte > 0 ? wrong->byte - 1 : 0));
    const std::size_t line_start = before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
    return pretext::str_cat("the JSON is wrong or ends at line ", 1 + std::ranges::count(before, '\n'),
                            ", column ", 1 + before.size() - line_start);
  }
  return pretext::detail::printable(std::string_view{error.what()}.substr(0, 500), false);
}

}  // namespace programs
