#include <cstdint>
#include <cstring>
#include <string>

#include "actions.hpp"
#include "lanewise.hpp"
#include "tensor_core.hpp"

// Tensor cores, as far as the library's kernels use them: 16×16 squares in shared memory, bfloat16
// products, float sums.
namespace pretext::tests::ptx {
namespace {

constexpr unsigned side = 16, per_lane = side * side / lanes;

/// The element of a square that a lane's k-th value is. PTX leaves this unspecified; here elements are
/// scattered, so that code which assumes a layout fails.
constexpr unsigned element_of(unsigned lane, unsigned k) {
  return (lane * per_lane + k) * 37 % (side * side);
}

/// The address of a square in shared memory: 16 lines, each a row or, if `transposed`, a column.
struct square {
  std::uint64_t first, stride;  // of lines, in elements

  square(warp& w, const instruction& i, std::uint32_t stride_in, std::size_t bytes_each)
      : first{static_cast<std::uint32_t>(w[i.from[0]][0]) + static_cast<std::uint64_t>(i.offset)},
        stride{static_cast<std::uint32_t>(w[stride_in][0])} {
    if (first % 32 != 0 || stride * bytes_each % 16 != 0)
      w.fail(
          i, 0,
          "gives a tensor core a square that is not 32-byte aligned, or lines that are not 16-byte aligned");
  }
};

/// Counts what the hardware does for a square: one request for each quarter of it, whose lines a group of
/// threads accesses by 16 bytes (loads) or a warp by 8 (stores).
void count_square(warp& w, const square& of, std::size_t bytes_each) {
  if (!w.context().counted) return;
  const std::size_t access = bytes_each == 2 ? 16 : 8, per_line = side / 2 * bytes_each / access;
  for (unsigned quarter = 0; quarter < 4; ++quarter) {
    request all{access};
    for (unsigned line = 0; line < side / 2; ++line)
      for (std::size_t k = 0; k < per_line; ++k)
        all.add(of.first +
                ((quarter / 2 * side / 2 + line) * of.stride + quarter % 2 * side / 2) * bytes_each +
                k * access);
    w.context().counted->add_shared(all);
  }
}

/// wmma.load: two elements per register. The whole warp counts as the reader.
template <bool transposed>
void load(warp& w, const instruction& i) {
  const square from{w, i, i.from[1], sizeof(std::uint16_t)};
  count_square(w, from, sizeof(std::uint16_t));
  shared_memory& memory = w.context().shared;
  std::uint16_t elements[side][side];
  for (unsigned line = 0; line < side; ++line) {
    const std::uint64_t address = from.first + line * from.stride * sizeof(std::uint16_t);
    if (const access_error what = memory.on_read(address, sizeof elements[0], w.now_all()))
      w.fail(i, 0, "reads " + std::string{what});
    std::memcpy(elements[line], memory.host_pointer(address), sizeof elements[0]);
  }
  for (unsigned lane = 0; lane < lanes; ++lane)
    for (unsigned k = 0; k < per_lane; ++k) {
      const unsigned at = element_of(lane, k), r = at / side, c = at % side;
      const std::uint64_t element = transposed ? elements[c][r] : elements[r][c];
      std::uint64_t& pair = w[i.to[k / 2]][lane];
      pair = k % 2 == 0 ? element : pair | element << 16;
    }
}

/// wmma.store of the sums.
template <bool transposed>
void store(warp& w, const instruction& i) {
  const square to{w, i, i.from[1 + per_lane], sizeof(float)};
  count_square(w, to, sizeof(float));
  shared_memory& memory = w.context().shared;
  std::uint32_t elements[side][side];
  for (unsigned lane = 0; lane < lanes; ++lane)
    for (unsigned k = 0; k < per_lane; ++k) {
      const unsigned at = element_of(lane, k), r = at / side, c = at % side;
      (transposed ? elements[c][r] : elements[r][c]) = static_cast<std::uint32_t>(w[i.from[1 + k]][lane]);
    }
  for (unsigned line = 0; line < side; ++line) {
    const std::uint64_t address = to.first + line * to.stride * sizeof(float);
    if (const access_error what = memory.on_write(address, sizeof elements[0], w.now_all()))
      w.fail(i, 0, "writes " + std::string{what});
    std::memcpy(memory.host_pointer(address), elements[line], sizeof elements[0]);
  }
}

/// d = a·b + c.
void multiply(warp& w, const instruction& i) {
  float a[side * side], b[side * side], sums[side * side] = {};  // products are exact in float
  for (unsigned k = 0; k < per_lane; ++k) {
    const row &of_a = w[i.from[k / 2]], &of_b = w[i.from[per_lane / 2 + k / 2]];
    const unsigned up = k % 2 == 0 ? 16 : 0;
    for (unsigned lane = 0; lane < lanes; ++lane) {
      const unsigned at = element_of(lane, k);
      a[at] = get<float>(of_a[lane] << up & 0xFFFF0000u);
      b[at] = get<float>(of_b[lane] << up & 0xFFFF0000u);
    }
  }
  for (unsigned r = 0; r < side; ++r)
    for (unsigned k = 0; k < side; ++k)
      for (unsigned c = 0; c < side; ++c) sums[r * side + c] += a[r * side + k] * b[k * side + c];
  for (unsigned k = 0; k < per_lane; ++k) {
    const row& before = w[i.from[per_lane + k]];
    row& after = w[i.to[k]];
    for (unsigned lane = 0; lane < lanes; ++lane)
      after[lane] = bits_of(truncate(double{get<float>(before[lane])} + double{sums[element_of(lane, k)]}));
  }
}

}  // namespace

action tensor_core(const name_parts& parts) {
  if (parts[0] == "bar" && parts.size() == 3 && parts[1] == "warp" && parts[2] == "sync")
    return [](warp& w, const instruction&) { w.pass_barrier(); };
  if (parts[0] != "wmma") return nullptr;
  const std::string name = joined(parts);
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
