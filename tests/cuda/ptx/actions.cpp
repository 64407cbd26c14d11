#include "actions.hpp"

namespace pretext::tests::ptx {

action action_for(const name_parts& words, space where) {
  if (words.size() < 2) return nullptr;
  if (const action found = memory_access(words, where)) return found;
  for (const auto part : {tensor_core, conversion, selection, carry_arithmetic, floats, integers})
    if (const action found = part(words)) return found;
  return nullptr;
}

}  // namespace pretext::tests::ptx
