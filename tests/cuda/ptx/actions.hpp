#pragma once
#include <string_view>
#include <vector>

#include "program.hpp"

namespace pretext::tests::ptx {

/// `setp.lt.f32` in words.
using words_of_name = std::vector<std::string_view>;

/// What an instruction of that name does; null where the interpreter does not know it. `where` is the memory
/// that its operand names, for what nvcc calls a parameter whether it is a kernel's or a function's.
action action_for(const words_of_name& words, space where);

// The same, each for a part of the language.
action integers(const words_of_name& words);
action sum_of_parts(const words_of_name& words);  // add.cc and what takes its carry
action floats(const words_of_name& words);
action choice(const words_of_name& words);
action conversion(const words_of_name& words);
action memory_access(const words_of_name& words, space where);
action tensor_core(const words_of_name& words);

}  // namespace pretext::tests::ptx
