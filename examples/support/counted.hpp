#pragma once
#include <cstddef>
#include <string>

namespace programs {

/// "1 image", "2 images": a number and a noun whose plural ends in s.
inline std::string counted(std::size_t number, const char* noun) {
  return std::to_string(number) + " " + noun + (number == 1 ? "" : "s");
}

/// "2 images could not be read and were", which goes on with what was done about them.
inline std::string unread(std::size_t images) {
  return counted(images, "image") + " could not be read and " + (images == 1 ? "was" : "were");
}

}  // namespace programs
