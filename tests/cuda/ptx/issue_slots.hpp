#pragma once
#include <algorithm>
#include <cstdint>

#include "actions.hpp"

namespace pretext::tests::ptx {

/// About how long an instruction of PTX occupies a scheduler of a multiprocessor, in hundredths of what an
/// addition of float takes: ptxas turns some into many instructions and removes others, and some units are
/// slower. From the throughputs in NVIDIA's programming guide and from disassembled kernels, for estimates of
/// whole kernels only.
inline std::uint32_t issue_slots(const name_parts& parts) {
  const auto has = [&](std::string_view part) { return std::ranges::find(parts, part) != parts.end(); };
  const std::string_view name = parts[0], type = parts.back();
  const bool of_double = type == "f64", wide = type == "u64" || type == "s64" || type == "b64";
  if (name == "div" || name == "rem" || name == "rcp" || name == "sqrt" || name == "rsqrt") {
    if (of_double) return 2000;
    if (type == "f32") return has("approx") ? 200 : 1000;
    return wide ? 3000 : 1400;
  }
  if (name == "ex2" || name == "lg2" || name == "sin" || name == "cos" || name == "tanh") return 200;
  if (name == "wmma") return has("mma") ? 800 : has("store") ? 400 : 200;
  if (name == "mma") return 400;
  if (name == "ldmatrix") return 200;
  if (name == "ld" && has("param")) return 10;
  if (name == "ld" || name == "st" || name == "bar" || name == "shfl") return 100;
  if (name == "mov" || name == "cvta" || name == "ret") return 25;
  if (name == "bra") return 80;
  if (name == "cvt") {
    if (of_double || has("f64")) return 200;
    return wide ? 25 : 100;
  }
  if (name == "mul" || name == "mad") return of_double ? 200 : wide && has("lo") ? 250 : 100;
  return of_double ? 200 : wide ? 135 : 100;
}

}  // namespace pretext::tests::ptx
