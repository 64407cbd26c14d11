#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "program.hpp"

namespace pretext::tests::ptx {

/// The parts of an instruction's name, such as {"setp", "lt", "f32"}.
using name_parts = std::vector<std::string_view>;

/// The whole name, such as "setp.lt.f32".
inline std::string joined(const name_parts& parts) {
  std::string name;
  for (const std::string_view part : parts) name += (name.empty() ? "" : ".") + std::string{part};
  return name;
}

/// The action of the instruction with this name; null if it is not supported. `where` is the state space
/// that its operand names: nvcc uses `.param` for parameters of kernels and of functions.
action action_for(const name_parts& parts, space where);

// The same, each for a part of the instruction set.
action integers(const name_parts& parts);
action carry_arithmetic(const name_parts& parts);  // add.cc and the instructions that read its carry
action floats(const name_parts& parts);
action selection(const name_parts& parts);
action conversion(const name_parts& parts);
action memory_access(const name_parts& parts, space where);
action tensor_core(const name_parts& parts);
action warp_product(const name_parts& parts);  // mma and ldmatrix
action shuffle(const name_parts& parts);       // values of other threads of the warp

}  // namespace pretext::tests::ptx
