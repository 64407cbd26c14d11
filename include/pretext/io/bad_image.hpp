#pragma once
#include <stdexcept>

namespace pretext {

/// One image cannot be read; the sentence names the file and what is wrong with it.
struct bad_image : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace pretext
