#include <cstddef>
#include <cstdint>

#include "actions.hpp"
#include "lanewise.hpp"
#include "wrapping.hpp"

namespace pretext::tests::ptx {
namespace {

/// Multi-word arithmetic: `chain_out` sets the carry (or borrow), `chain_in` adds the previous one.
enum class chained { sum, difference, low_product, high_product };
template <class T, chained what, bool chain_in, bool chain_out>
void chain(warp& w, const instruction& i) {
  row &to = w[i.to[0]], &carries = w[carry];
  w.for_each_lane([&](unsigned lane) {
    using wide = typename widened<T>::type;
    const auto from = [&](std::size_t at) { return get<T>(w[i.from[at]][lane]); };
    const wide before = chain_in ? carries[lane] & 1 : 0;
    wide value;
    if constexpr (what == chained::difference)
      value = wide{from(0)} - wide{from(1)} - before;
    else if constexpr (what == chained::sum)
      value = wide{from(0)} + wide{from(1)} + before;
    else
      value = wide{what == chained::low_product ? low(from(0), from(1)) : high(from(0), from(1))} +
              wide{from(2)} + before;
    if (chain_out) carries[lane] = static_cast<std::uint64_t>(value >> (sizeof(T) * 8)) & 1;
    to[lane] = static_cast<T>(value);
  });
}
template <class T>
action chain_of(const name_parts& parts) {
  const bool out = parts[parts.size() - 2] == "cc", in = parts[0].ends_with("c");
  const auto for_type = [&]<chained what>() -> action {
    return in && out ? chain<T, what, true, true>
           : in      ? chain<T, what, true, false>
                     : chain<T, what, false, true>;
  };
  if (parts[0].starts_with("add")) return for_type.template operator()<chained::sum>();
  if (parts[0].starts_with("sub")) return for_type.template operator()<chained::difference>();
  if (parts[1] == "lo") return for_type.template operator()<chained::low_product>();
  return for_type.template operator()<chained::high_product>();
}

}  // namespace

action carry_arithmetic(const name_parts& parts) {
  const std::string_view name = parts[0], type = parts.back();
  const bool one = parts[parts.size() - 2] == "cc" || name == "addc" || name == "subc" || name == "madc";
  if (one && type == "u32") return chain_of<std::uint32_t>(parts);
  return one && type == "u64" ? chain_of<std::uint64_t>(parts) : nullptr;
}

}  // namespace pretext::tests::ptx
