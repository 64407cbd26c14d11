#include <cstdint>
#include <cstring>
#include <string>

#include "actions.hpp"
#include "lanewise.hpp"
#include "tensor_core.hpp"

// mma.m16n8k16 of bfloat16 with float sums and ldmatrix, with the layouts that PTX documents.
namespace pretext::tests::ptx {
namespace {

constexpr unsigned rows = 16, columns = 8, depth = 16, part_side = 8;

/// The lower or upper half of a register as a number.
float number(std::uint64_t pair, unsigned half) {
  const auto bits = static_cast<std::uint32_t>(pair);
  return std::bit_cast<float>(half == 0 ? bits << 16 : bits & 0xFFFF0000u);
}

/// Four 8×8 parts: the lanes 8m to 8m + 7 name the rows of part m, of which each lane gets two neighbours.
template <bool transposed>
void load(warp& w, const instruction& i) {
  constexpr std::size_t bytes = part_side * sizeof(std::uint16_t);
  const row address = w[i.from[0]];
  shared_memory& memory = w.context().shared;
  std::uint16_t elements[lanes][part_side];
  request all{bytes};
  for (unsigned lane = 0; lane < lanes; ++lane) {
    const std::uint64_t at = static_cast<std::uint32_t>(address[lane] + static_cast<std::uint64_t>(i.offset));
    if (at % bytes != 0) w.fail(i, lane, "loads a row of a matrix that is not 16-byte aligned");
    if (const access_error what = memory.on_read(at, bytes, w.now_all()))
      w.fail(i, lane, "reads " + std::string{what});
    std::memcpy(elements[lane], memory.host_pointer(at), bytes);
    all.add(at);
  }
  if (w.context().counted) w.context().counted->add_shared(all);
  for (unsigned lane = 0; lane < lanes; ++lane)
    for (unsigned part = 0; part < 4; ++part) {
      std::uint64_t pair = 0;
      for (unsigned k = 0; k < 2; ++k) {
        const unsigned line = lane / 4, within = lane % 4 * 2 + k;
        const std::uint16_t* const first = elements[part * part_side];
        pair |= std::uint64_t{first[transposed ? within * part_side + line : line * part_side + within]}
                << 16 * k;
      }
      w[i.to[part]][lane] = pair;
    }
}

/// d = a·b + c; a has four registers, b two.
void multiply(warp& w, const instruction& i) {
  float a[rows][depth], b[depth][columns];
  for (unsigned lane = 0; lane < lanes; ++lane) {
    const unsigned line = lane / 4, within = lane % 4 * 2;
    for (unsigned k = 0; k < 2; ++k) {
      for (unsigned part = 0; part < 4; ++part)
        a[line + part % 2 * 8][within + k + part / 2 * 8] = number(w[i.from[part]][lane], k);
      for (unsigned part = 0; part < 2; ++part)
        b[within + k + part * 8][line] = number(w[i.from[4 + part]][lane], k);
    }
  }
  for (unsigned k = 0; k < 4; ++k) {
    const row before = w[i.from[6 + k]];
    row& after = w[i.to[k]];
    for (unsigned lane = 0; lane < lanes; ++lane) {
      const unsigned r = lane / 4 + k / 2 * 8, c = lane % 4 * 2 + k % 2;
      float sum = 0;
      for (unsigned d = 0; d < depth; ++d) sum += a[r][d] * b[d][c];
      after[lane] = bits_of(truncate(double{get<float>(before[lane])} + double{sum}));
    }
  }
}

}  // namespace

action warp_product(const name_parts& parts) {
  const std::string name = joined(parts);
  if (name == "ldmatrix.sync.aligned.m8n8.x4.shared.b16") return load<false>;
  if (name == "ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16") return load<true>;
  return name == "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32" ? multiply : nullptr;
}

}  // namespace pretext::tests::ptx
