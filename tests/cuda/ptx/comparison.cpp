#include "actions.hpp"
#include "lanewise.hpp"

namespace pretext::tests::ptx {
namespace {

template <class T>
void choose(warp& w, const instruction& i) {
  row& to = w[i.to[0]];
  const row &a = w[i.from[0]], &b = w[i.from[1]], &which = w[i.from[2]];
  w.for_each_lane(
      [&](unsigned lane) { to[lane] = bits_of(get<T>((which[lane] & 1) != 0 ? a[lane] : b[lane])); });
}

/// setp.lt and the like; `unordered` comparisons are true if an operand is NaN.
template <auto holds, bool unordered = false>
action comparison(std::string_view type) {
  const auto for_type = []<class T>() -> action {
    constexpr auto compare = [](T a, T b) {
      if constexpr (unordered) return a != a || b != b || holds(a, b);
      return holds(a, b);
    };
    return lanewise<T, compare>;
  };
  if (const action found = for_float_type(type, for_type)) return found;
  if constexpr (unordered) return nullptr;
  if (type == "b16" || type == "b32" || type == "b64")
    return type == "b16"   ? for_type.template operator()<std::uint16_t>()
           : type == "b32" ? for_type.template operator()<std::uint32_t>()
                           : for_type.template operator()<std::uint64_t>();
  return for_integer_type(type, for_type);
}
constexpr auto equal = []<class T>(T a, T b) { return a == b; };
constexpr auto unequal = []<class T>(T a, T b) { return a < b || a > b; };
constexpr auto less = []<class T>(T a, T b) { return a < b; };
constexpr auto at_most = []<class T>(T a, T b) { return a <= b; };
constexpr auto more = []<class T>(T a, T b) { return a > b; };
constexpr auto at_least = []<class T>(T a, T b) { return a >= b; };
constexpr auto unordered_pair = []<class T>(T a, T b) { return a != a || b != b; };
constexpr auto ordered_pair = []<class T>(T a, T b) { return a == a && b == b; };

action compared(std::string_view how, std::string_view type) {
  if (how == "eq") return comparison<equal>(type);
  if (how == "ne") return comparison<unequal>(type);
  if (how == "lt" || how == "lo") return comparison<less>(type);
  if (how == "le" || how == "ls") return comparison<at_most>(type);
  if (how == "gt" || how == "hi") return comparison<more>(type);
  if (how == "ge" || how == "hs") return comparison<at_least>(type);
  if (how == "equ") return comparison<equal, true>(type);
  if (how == "neu") return comparison<unequal, true>(type);
  if (how == "ltu") return comparison<less, true>(type);
  if (how == "leu") return comparison<at_most, true>(type);
  if (how == "gtu") return comparison<more, true>(type);
  if (how == "geu") return comparison<at_least, true>(type);
  if (how == "nan") return comparison<unordered_pair>(type);
  if (how == "num") return comparison<ordered_pair>(type);
  return nullptr;
}

}  // namespace

action selection(const name_parts& parts) {
  const std::string_view name = parts[0], type = parts.back();
  if (name == "setp") return parts.size() == 3 ? compared(parts[1], type) : nullptr;
  if (name != "selp") return nullptr;
  const auto for_type = []<class T>() -> action { return choose<T>; };
  if (const action found = for_integer_type(type, for_type)) return found;
  if (const action found = for_bits_type(type, for_type)) return found;
  return for_float_type(type, for_type);
}

}  // namespace pretext::tests::ptx
