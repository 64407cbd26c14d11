#include "actions.hpp"
#include "block.hpp"

namespace pretext::tests::ptx {
namespace {

/// shfl.sync.bfly: each thread of a whole warp gets the value of the thread whose index differs by these
/// bits. The operands are the value, the bits, and constants for the whole warp.
void butterfly(warp& w, const instruction& i) {
  const row value = w[i.from[0]], bits = w[i.from[1]];
  unsigned threads = 0;
  w.for_each_lane([&](unsigned lane) {
    ++threads;
    if (w[i.from[2]][lane] != lanes - 1 ||
        static_cast<std::uint32_t>(w[i.from[3]][lane]) != ~std::uint32_t{0})
      w.fail(i, lane, "shuffles within a part of its warp, which the interpreter does not support");
    w[i.to[0]][lane] = value[(lane ^ bits[lane]) % lanes];
    if (i.to.size() > 1) w[i.to[1]][lane] = 1;  // the other thread exists
  });
  if (threads < lanes) w.fail(i, threads, "shuffles in a warp of which some threads have exited");
}

}  // namespace

action shuffle(const name_parts& parts) {
  const bool supported = parts.size() == 4 && parts[0] == "shfl" && parts[1] == "sync" &&
                         parts[2] == "bfly" && parts[3] == "b32";
  return supported ? butterfly : nullptr;
}

}  // namespace pretext::tests::ptx
