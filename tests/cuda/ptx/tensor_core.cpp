#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>

#include "actions.hpp"
#include "lanewise.hpp"

// Tensor cores, as far as our kernels use them: squares of 16 from shared memory, bfloat16 times bfloat16,
// added in float.
namespace pretext::tests::ptx {
namespace {

constexpr unsigned side = 16, of_a_lane = side * side / lanes;

/// Which number of a square is the k-th of a lane: PTX leaves that open. Here they lie scattered, so that
/// nobody gets by with a guess.
constexpr unsigned number_of(unsigned lane, unsigned k) {
  return (lane * of_a_lane + k) * 37 % (side * side);
}

/// Where a square lies in shared memory: 16 lines, each a row or, where it lies `transposed`, a column.
struct square {
  std::uint64_t first, stride;  // of lines, in numbers

  square(warp& w, const instruction& i, std::uint32_t stride_in, std::size_t bytes_each)
      : first{static_cast<std::uint32_t>(w[i.from[0]][0]) + static_cast<std::uint64_t>(i.offset)},
        stride{static_cast<std::uint32_t>(w[stride_in][0])} {
    if (first % 32 != 0 || stride * bytes_each % 16 != 0)
      w.refuse(i, 0, "gives a tensor core an address that 32 does not divide, or rows that 16 bytes do not");
  }
};

/// wmma.load: two numbers to a register. All of the warp have read it then.
template <bool transposed>
void load(warp& w, const instruction& i) {
  const square from{w, i, i.from[1], sizeof(std::uint16_t)};
  shared_memory& memory = w.around().shared;
  std::uint16_t numbers[side][side];
  for (unsigned line = 0; line < side; ++line) {
    const std::uint64_t address = from.first + line * from.stride * sizeof(std::uint16_t);
    if (const objection what = memory.on_read(address, sizeof numbers[0], w.now_all()))
      w.refuse(i, 0, "reads " + std::string{what});
    std::memcpy(numbers[line], memory.reach(address), sizeof numbers[0]);
  }
  for (unsigned lane = 0; lane < lanes; ++lane)
    for (unsigned k = 0; k < of_a_lane; ++k) {
      const unsigned at = number_of(lane, k), r = at / side, c = at % side;
      const std::uint64_t number = transposed ? numbers[c][r] : numbers[r][c];
      std::uint64_t& pair = w[i.to[k / 2]][lane];
      pair = k % 2 == 0 ? number : pair | number << 16;
    }
}

/// wmma.store of sums.
template <bool transposed>
void store(warp& w, const instruction& i) {
  const square to{w, i, i.from[1 + of_a_lane], sizeof(float)};
  shared_memory& memory = w.around().shared;
  std::uint32_t numbers[side][side];
  for (unsigned lane = 0; lane < lanes; ++lane)
    for (unsigned k = 0; k < of_a_lane; ++k) {
      const unsigned at = number_of(lane, k), r = at / side, c = at % side;
      (transposed ? numbers[c][r] : numbers[r][c]) = static_cast<std::uint32_t>(w[i.from[1 + k]][lane]);
    }
  for (unsigned line = 0; line < side; ++line) {
    const std::uint64_t address = to.first + line * to.stride * sizeof(float);
    if (const objection what = memory.on_write(address, sizeof numbers[0], w.now_all()))
      w.refuse(i, 0, "writes " + std::string{what});
    std::memcpy(memory.reach(address), numbers[line], sizeof numbers[0]);
  }
}

/// Cuts off what a float has no room for, as the additions of tensor cores do.
float cut(double value) {
  const auto nearest = static_cast<float>(value);
  if (!(std::fabs(static_cast<double>(nearest)) > std::fabs(value)) || std::isinf(value)) return nearest;
  return std::bit_cast<float>(std::bit_cast<std::uint32_t>(nearest) - 1);  // one nearer to zero
}

/// d = a·b + c.
void multiply(warp& w, const instruction& i) {
  float a[side * side], b[side * side], sums[side * side] = {};  // products are exact
  for (unsigned k = 0; k < of_a_lane; ++k) {
    const row &of_a = w[i.from[k / 2]], &of_b = w[i.from[of_a_lane / 2 + k / 2]];
    const unsigned up = k % 2 == 0 ? 16 : 0;
    for (unsigned lane = 0; lane < lanes; ++lane) {
      const unsigned at = number_of(lane, k);
      a[at] = get<float>(of_a[lane] << up & 0xFFFF0000u);
      b[at] = get<float>(of_b[lane] << up & 0xFFFF0000u);
    }
  }
  for (unsigned r = 0; r < side; ++r)
    for (unsigned k = 0; k < side; ++k)
      for (unsigned c = 0; c < side; ++c) sums[r * side + c] += a[r * side + k] * b[k * side + c];
  for (unsigned k = 0; k < of_a_lane; ++k) {
    const row& before = w[i.from[of_a_lane + k]];
    row& after = w[i.to[k]];
    for (unsigned lane = 0; lane < lanes; ++lane)
      after[lane] = bits_of(cut(double{get<float>(before[lane])} + double{sums[number_of(lane, k)]}));
  }
}

}  // namespace

action tensor_core(const words_of_name& words) {
  if (words[0] == "bar" && words.size() == 3 && words[1] == "warp" && words[2] == "sync")
    return [](warp& w, const instruction&) { w.pass_barrier(); };
  if (words[0] != "wmma") return nullptr;
  std::string name;
  for (const std::string_view word : words) name += (name.empty() ? "" : ".") + std::string{word};
  for (const bool transposed : {false, true}) {
    const std::string layout = transposed ? "col" : "row";
    for (const std::string side_of_product : {"a", "b"})
      if (name == "wmma.load." + side_of_product + ".sync.aligned." + layout + ".m16n16k16.shared.bf16")
        return transposed ? load<true> : load<false>;
    if (name == "wmma.store.d.sync.aligned." + layout + ".m16n16k16.shared.f32")
      return transposed ? store<true> : store<false>;
    for (const std::string other : {"row", "col"})
      if (name == "wmma.mma.sync.aligned." + layout + "." + other + ".m16n16k16.f32.bf16.bf16.f32")
        return multiply;
  }
  return nullptr;
}

}  // namespace pretext::tests::ptx
