#pragma once
#include <string_view>

namespace pretext {

/// The version of the library, as CMake's project version; encoder files record it.
inline constexpr std::string_view library_version = "0.1.0";

}  // namespace pretext
