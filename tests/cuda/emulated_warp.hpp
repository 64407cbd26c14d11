#pragma once
#include <bit>
#include <cstdint>
#include <stdexcept>
#include <vector>

#include <pretext/core/bfloat16.hpp>
#include <pretext/kernels/gpu/block/warp_squares.hpp>

namespace pretext::tests {

/// A warp of the emulated device: its lanes run one after another.
class emulated_warp {
 public:
  static constexpr unsigned lanes = 32, side = 16;
  emulated_warp(unsigned index, bool backwards) : index_{index}, backwards_{backwards} {}

  template <class T>
  class per_lane {
   public:
    T& operator[](unsigned lane) { return of_[lane]; }
    const T& operator[](unsigned lane) const { return of_[lane]; }

   private:
    T of_[lanes] = {};
  };
  /// The values of a warp among those of all threads.
  template <class T>
  struct part_of_block {
    T* first;
    T& operator[](unsigned lane) const { return first[lane]; }
  };

  unsigned index() const { return index_; }
  template <class Work>
  void for_each_lane(const Work& work) const {
    for (unsigned i = 0; i < lanes; ++i) work(backwards_ ? lanes - 1 - i : i);
  }
  void barrier() const {}
  template <class Values>
  auto lanes_of(Values& of_block) const {
    return part_of_block{&of_block[index_ * lanes]};
  }

  /// In the order in which a GPU combines.
  template <unsigned N, class Values, class Operation>
  void combine(Values&& of_lanes, const Operation& operation) const {
    for (unsigned step = N / 2; step > 0; step /= 2)
      for (unsigned i = 0; i < lanes; ++i)
        if ((i & step) == 0) {
          auto &a = of_lanes[i], &b = of_lanes[i ^ step];
          a = b = operation(a, b);
        }
  }

  template <class Values, class Where>
  void load_square(Values&& to, const Where& where) const {
    load(to, where, [](const bfloat16* const* rows, unsigned r, unsigned c) { return rows[r][c]; });
  }
  template <class Values, class Where>
  void load_transposed_square(Values&& to, const Where& where) const {
    load(to, where, [](const bfloat16* const* rows, unsigned r, unsigned c) { return rows[c][r]; });
  }

  template <class Sums, class Left, class Right>
  void multiply(Sums&& sums, const Left& left, const Right& right) const {
    float a[side][side], b[side][side];
    for (unsigned lane = 0; lane < lanes; ++lane)
      for (unsigned k = 0; k < 8; ++k) {
        const unsigned row = grid::square_sums::row(lane, k), column = grid::square_sums::column(lane, k);
        a[row][column] = element(left[lane], k);
        b[row_of_right(lane, k)][column_of_right(lane, k)] = element(right[lane], k);
      }
    for (unsigned lane = 0; lane < lanes; ++lane)
      for (unsigned k = 0; k < 8; ++k) {
        const unsigned row = grid::square_sums::row(lane, k), column = grid::square_sums::column(lane, k);
        for (unsigned d = 0; d < side; ++d) sums[lane].of[k] += a[row][d] * b[d][column];
      }
  }

 private:
  /// The right operand's layout, as PTX documents it: pairs along a column.
  static unsigned row_of_right(unsigned lane, unsigned k) { return lane % 4 * 2 + k % 2 + k / 2 % 2 * 8; }
  static unsigned column_of_right(unsigned lane, unsigned k) { return lane / 4 + k / 4 * 8; }

  static float element(const grid::square_operand& part, unsigned k) {
    return std::bit_cast<float>(k % 2 == 0 ? part.of[k / 2] << 16 : part.of[k / 2] & 0xffff0000u);
  }

  template <class Values, class Where, class Element>
  static void load(Values& to, const Where& where, const Element& element_of) {
    const bfloat16* rows[lanes];
    for (unsigned lane = 0; lane < lanes; ++lane) {
      rows[lane] = where(lane);
      if (!grid::is_aligned(rows[lane])) throw std::logic_error{"a row of a square is not 16-byte aligned"};
    }
    for (unsigned lane = 0; lane < lanes; ++lane)
      for (unsigned part = 0; part < 4; ++part) {
        const auto bits = [&](unsigned k) {
          return std::uint32_t{
              std::bit_cast<std::uint16_t>(element_of(rows + part * 8, lane / 4, lane % 4 * 2 + k))};
        };
        to[lane].of[part] = bits(0) | bits(1) << 16;
      }
  }

  unsigned index_;
  bool backwards_;
};

}  // namespace pretext::tests
