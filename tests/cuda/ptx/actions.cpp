#include "actions.hpp"

namespace pretext::tests::ptx {

action action_for(const name_parts& parts, space where) {
  if (parts.size() < 2) return nullptr;
  if (const action found = memory_access(parts, where)) return found;
  for (const auto part :
       {tensor_core, warp_product, shuffle, conversion, selection, carry_arithmetic, floats, integers})
    if (const action found = part(parts)) return found;
  return nullptr;
}

}  // namespace pretext::tests::ptx
