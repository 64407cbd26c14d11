#include <cmath>
#include <limits>

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

/// Where the number of a row and a column lies, `stride` apart; `turned` has columns side by side.
template <class T, bool turned>
std::uint64_t place(std::uint64_t first, std::uint64_t stride, unsigned r, unsigned c) {
  return first + (turned ? c * stride + r : r * stride + c) * sizeof(T);
}

template <class T>
void expects_aligned(warp& w, const instruction& i, std::uint64_t first, std::uint64_t stride) {
  if (first % 32 != 0 || stride * sizeof(T) % 16 != 0)
    w.refuse(i, 0, "gives a tensor core an address that 32 does not divide, or rows that 16 bytes do not");
}

/// wmma.load: two numbers to a register.
template <bool turned>
void load(warp& w, const instruction& i) {
  const std::uint64_t first =
      static_cast<std::uint32_t>(w[i.from[0]][0]) + static_cast<std::uint64_t>(i.offset);
  const std::uint64_t stride = static_cast<std::uint32_t>(w[i.from[1]][0]);
  expects_aligned<std::uint16_t>(w, i, first, stride);
  shared_memory& memory = w.around().shared;
  w.each_lane([&](unsigned lane) {
    for (unsigned k = 0; k < of_a_lane; ++k) {
      const unsigned at = number_of(lane, k);
      const std::uint64_t address = place<std::uint16_t, turned>(first, stride, at / side, at % side);
      if (const objection what = memory.on_read(address, 2, w.now(lane)))
        w.refuse(i, lane, "reads " + std::string{what});
      std::uint16_t value;
      std::memcpy(&value, memory.reach(address), sizeof value);
      std::uint64_t& pair = w[i.to[k / 2]][lane];
      pair = k % 2 == 0 ? value : pair | std::uint64_t{value} << 16;
    }
  });
}

/// wmma.store of sums.
template <bool turned>
void store(warp& w, const instruction& i) {
  const std::uint64_t first =
      static_cast<std::uint32_t>(w[i.from[0]][0]) + static_cast<std::uint64_t>(i.offset);
  const std::uint64_t stride = static_cast<std::uint32_t>(w[i.from[1 + of_a_lane]][0]);
  expects_aligned<float>(w, i, first, stride);
  shared_memory& memory = w.around().shared;
  w.each_lane([&](unsigned lane) {
    for (unsigned k = 0; k < of_a_lane; ++k) {
      const unsigned at = number_of(lane, k);
      const std::uint64_t address = place<float, turned>(first, stride, at / side, at % side);
      if (const objection what = memory.on_write(address, 4, w.now(lane)))
        w.refuse(i, lane, "writes " + std::string{what});
      const auto value = static_cast<std::uint32_t>(w[i.from[1 + k]][lane]);
      std::memcpy(memory.reach(address), &value, sizeof value);
    }
  });
}

/// Cuts off what a float has no room for, as the additions of tensor cores do.
float cut(double value) {
  const auto nearest = static_cast<float>(value);
  return std::fabs(static_cast<double>(nearest)) > std::fabs(value) ? std::nextafter(nearest, 0.0f) : nearest;
}

/// d = a·b + c.
void multiply(warp& w, const instruction& i) {
  double a[side][side], b[side][side], sums[side][side] = {};
  const auto each_number = [](const auto& work) {
    for (unsigned lane = 0; lane < lanes; ++lane)
      for (unsigned k = 0; k < of_a_lane; ++k) {
        const unsigned at = number_of(lane, k);
        work(lane, k, at / side, at % side);
      }
  };
  each_number([&](unsigned lane, unsigned k, unsigned r, unsigned c) {
    const auto half = [&](unsigned first) {
      const std::uint64_t pair = w[i.from[first + k / 2]][lane];
      return static_cast<double>(get<float>((k % 2 == 0 ? pair << 16 : pair) & 0xFFFF0000u));
    };
    a[r][c] = half(0);
    b[r][c] = half(of_a_lane / 2);
  });
  for (unsigned r = 0; r < side; ++r)
    for (unsigned k = 0; k < side; ++k)
      for (unsigned c = 0; c < side; ++c) sums[r][c] += a[r][k] * b[k][c];
  each_number([&](unsigned lane, unsigned k, unsigned r, unsigned c) {
    const auto before = static_cast<double>(get<float>(w[i.from[of_a_lane + k]][lane]));
    w[i.to[k]][lane] = bits_of(cut(before + sums[r][c]));
  });
}

}  // namespace

action tensor_core(const words_of_name& words) {
  if (words[0] == "bar" && words.size() == 3 && words[1] == "warp" && words[2] == "sync")
    return [](warp& w, const instruction&) { w.pass_barrier(); };
  if (words[0] != "wmma") return nullptr;
  std::string name;
  for (const std::string_view word : words) name += (name.empty() ? "" : ".") + std::string{word};
  for (const bool turned : {false, true}) {
    const std::string layout = turned ? "col" : "row";
    for (const std::string side_of_product : {"a", "b"})
      if (name == "wmma.load." + side_of_product + ".sync.aligned." + layout + ".m16n16k16.shared.bf16")
        return turned ? load<true> : load<false>;
    if (name == "wmma.store.d.sync.aligned." + layout + ".m16n16k16.shared.f32")
      return turned ? store<true> : store<false>;
    for (const std::string other : {"row", "col"})
      if (name == "wmma.mma.sync.aligned." + layout + "." + other + ".m16n16k16.f32.bf16.bf16.f32")
        return multiply;
  }
  return nullptr;
}

}  // namespace pretext::tests::ptx
