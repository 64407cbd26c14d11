#pragma once
#include <cstddef>

#include <pretext/core/arena.hpp>
#include <pretext/devices/grid.hpp>

// Sums over the rows of a matrix, column by column, in two kernels and a fixed order: blocks add up their own
// rows, then the blocks' sums are added. No atomic additions, whose order nobody knows.
namespace pretext::grid {

/// How the rows of each group are shared out: a function of the shape alone.
struct row_split {
  std::size_t rows, columns, groups;

  static constexpr unsigned wide = 32, tall = 8;  ///< columns and rows that a block sees at a time
  static constexpr std::size_t most_blocks = 256;

  PRETEXT_HOST_DEVICE constexpr std::size_t part() const { return rows / groups; }
  PRETEXT_HOST_DEVICE constexpr std::size_t across() const { return ceil_div(columns, wide); }
  /// Blocks above one another in each group: 16 rows for each of a block's threads, until there are enough of
  /// them.
  PRETEXT_HOST_DEVICE constexpr std::size_t down() const {
    return smaller(ceil_div(part(), tall * 16), most_blocks);
  }
  PRETEXT_HOST_DEVICE constexpr std::size_t length() const { return ceil_div(part(), down()); }
  PRETEXT_HOST_DEVICE constexpr std::size_t blocks() const { return groups * down() * across(); }
};

/// Sums of a block's own rows, to partial (groups, down, Sums, columns). `term(row, column, terms)` gives the
/// terms of each of the sums; short runs are added in T, runs in double.
template <class T, std::size_t Sums, class Term>
struct partial_column_sums {
  static constexpr unsigned threads = row_split::wide * row_split::tall;
  struct shared {
    double of[Sums][row_split::tall][row_split::wide];
  };
  row_split split;
  Term term;
  double* partial;

  template <class Block>
  PRETEXT_HOST_DEVICE void operator()(Block& block) const {
    constexpr unsigned wide = row_split::wide, tall = row_split::tall;
    auto& memory = block.shared();
    const std::size_t across = block.index() % split.across(), above = block.index() / split.across();
    const std::size_t group = above / split.down(), down = above % split.down();
    const std::size_t first = group * split.part() + down * split.length();
    const std::size_t end = smaller(first + split.length(), (group + 1) * split.part());
    block.each([&](unsigned thread) {
      const std::size_t column = across * wide + thread % wide;
      double total[Sums]{};
      for (std::size_t r = first + thread / wide; column < split.columns && r < end;) {
        T run[Sums]{};
        for (int i = 0; i < 16 && r < end; ++i, r += tall) {
          T terms[Sums];
          term(r, column, terms);
          for (std::size_t s = 0; s < Sums; ++s) run[s] += terms[s];
        }
        for (std::size_t s = 0; s < Sums; ++s) total[s] += static_cast<double>(run[s]);
      }
      for (std::size_t s = 0; s < Sums; ++s) memory.of[s][thread / wide][thread % wide] = total[s];
    });
    block.each([&](unsigned thread) {
      const std::size_t column = across * wide + thread;
      if (thread >= wide || column >= split.columns) return;
      for (std::size_t s = 0; s < Sums; ++s) {
        double sum = 0;
        for (unsigned r = 0; r < tall; ++r) sum += memory.of[s][r][thread];
        partial[(above * Sums + s) * split.columns + column] = sum;
      }
    });
  }
};

/// Adds the blocks' sums up, and `finish(group, column, sums)`: one thread for each column, its groups in
/// order.
template <std::size_t Sums, class Finish>
struct finished_column_sums {
  static constexpr unsigned threads = row_split::wide * row_split::tall;
  struct shared {
    double of[Sums][row_split::tall][row_split::wide];
  };
  row_split split;
  const double* partial;
  Finish finish;

  template <class Block>
  PRETEXT_HOST_DEVICE void operator()(Block& block) const {
    constexpr unsigned wide = row_split::wide, tall = row_split::tall;
    auto& memory = block.shared();
    for (std::size_t group = 0; group < split.groups; ++group) {
      block.each([&](unsigned thread) {
        const std::size_t column = block.index() * wide + thread % wide;
        for (std::size_t s = 0; s < Sums; ++s) {
          double sum = 0;
          for (std::size_t down = thread / wide; column < split.columns && down < split.down(); down += tall)
            sum += partial[((group * split.down() + down) * Sums + s) * split.columns + column];
          memory.of[s][thread / wide][thread % wide] = sum;
        }
      });
      block.each([&](unsigned thread) {
        const std::size_t column = block.index() * wide + thread;
        if (thread >= wide || column >= split.columns) return;
        double total[Sums]{};
        for (std::size_t s = 0; s < Sums; ++s)
          for (unsigned r = 0; r < tall; ++r) total[s] += memory.of[s][r][thread];
        finish(group, column, total);
      });
    }
  }
};

/// The two kernels, one after the other.
template <class T, std::size_t Sums, class Place, class Term, class Finish>
void sum_columns(Place& place, const row_split& split, const Term& term, const Finish& finish) {
  if (split.rows == 0) return;
  using kernel = partial_column_sums<T, Sums, Term>;
  const borrowed guard{place.scratch};
  double* const partial =
      place.scratch.template take<double>(split.groups * split.down() * Sums * split.columns);
  launch(place.stream, split.blocks(), kernel{split, term, partial});
  launch(place.stream, split.across(), finished_column_sums<Sums, Finish>{split, partial, finish});
}

/// Adds the sums to where they belong; a null total is left out.
template <class T, std::size_t Sums>
struct add_to_totals {
  T* total[Sums];

  PRETEXT_HOST_DEVICE void operator()(std::size_t, std::size_t column, const double (&sums)[Sums]) const {
    for (std::size_t s = 0; s < Sums; ++s)
      if (total[s]) total[s][column] += static_cast<T>(sums[s]);
  }
};

template <class Place, class T, std::size_t Sums, class Term>
void add_column_sums(Place& place, std::size_t rows, std::size_t columns, T* const (&totals)[Sums],
                     const Term& term) {
  add_to_totals<T, Sums> finish;
  for (std::size_t s = 0; s < Sums; ++s) finish.total[s] = totals[s];
  sum_columns<T, Sums>(place, row_split{rows, columns, 1}, term, finish);
}

}  // namespace pretext::grid
