#pragma once
#include <cstddef>
#include <initializer_list>

#include <pretext/core/arena.hpp>
#include <pretext/kernels/gpu/block/vector_access.hpp>

// Sums over the rows of a matrix, column by column, in two kernels and a fixed order: blocks add up their own
// rows, then the blocks' sums are added. No atomic additions, whose order nobody knows.
namespace pretext::grid {

/// How the rows of each group are shared out: a function of the shape alone, and of how many columns a thread
/// takes at once.
struct row_split {
  std::size_t rows, columns, groups;
  unsigned lanes = 1;

  static constexpr unsigned threads = 256;
  static constexpr std::size_t most_blocks = 1024;

  PRETEXT_HOST_DEVICE constexpr std::size_t part() const { return rows / groups; }
  /// Threads of a block side by side, a power of two, and above one another.
  PRETEXT_HOST_DEVICE constexpr unsigned wide() const {
    unsigned many = 1;
    while (many < 32 && many * lanes < columns) many *= 2;
    return many;
  }
  PRETEXT_HOST_DEVICE constexpr unsigned tall() const { return threads / wide(); }
  PRETEXT_HOST_DEVICE constexpr std::size_t across() const {
    return ceil_div(columns, std::size_t{wide()} * lanes);
  }
  /// Blocks above one another in each group: 16 rows for each of a block's threads, until there are enough of
  /// them.
  PRETEXT_HOST_DEVICE constexpr std::size_t down() const {
    return smaller(ceil_div(part(), std::size_t{tall()} * 16), ceil_div(most_blocks, across()));
  }
  PRETEXT_HOST_DEVICE constexpr std::size_t length() const { return ceil_div(part(), down()); }
  PRETEXT_HOST_DEVICE constexpr std::size_t blocks() const { return groups * down() * across(); }
};

/// Sums of a block's own rows, to partial (groups, down, Sums, columns). `term.template at<N>(row, column,
/// terms)` gives the terms of each of the sums for N columns; short runs are added as they are, runs in
/// double.
template <class T, std::size_t Sums, class Term>
struct partial_column_sums {
  using R = arithmetic<T>;
  static constexpr unsigned threads = row_split::threads;
  struct shared {
    double of[Sums][threads * lanes<T>];
  };
  row_split split;
  Term term;
  double* partial;

  template <class Block>
  PRETEXT_HOST_DEVICE void operator()(Block& block) const {
    auto& memory = block.shared();
    const std::size_t across = block.index() % split.across(), above = block.index() / split.across();
    const std::size_t group = above / split.down(), down = above % split.down();
    const std::size_t first = group * split.part() + down * split.length();
    const std::size_t end = smaller(first + split.length(), (group + 1) * split.part());
    const unsigned wide = split.wide(), tall = split.tall(), numbers = wide * split.lanes;
    block.for_each_thread([&](unsigned thread) {
      const std::size_t column = across * numbers + thread % wide * split.lanes;
      if (split.lanes == lanes<T>)
        add<lanes<T>>(memory, thread, column, first + thread / wide, end, tall);
      else
        add<1>(memory, thread, column, first + thread / wide, end, tall);
    });
    block.for_each_thread([&](unsigned thread) {
      for (std::size_t c = thread; c < numbers && across * numbers + c < split.columns; c += threads)
        for (std::size_t s = 0; s < Sums; ++s) {
          double sum = 0;
          for (unsigned r = 0; r < tall; ++r) sum += memory.of[s][r * numbers + c];
          partial[(above * Sums + s) * split.columns + across * numbers + c] = sum;
        }
    });
  }

 private:
  template <unsigned N>
  PRETEXT_HOST_DEVICE void add(shared& memory, unsigned thread, std::size_t column, std::size_t row,
                               std::size_t end, unsigned tall) const {
    double total[Sums][N]{};
    while (column < split.columns && row < end) {
      vec<R, N> run[Sums]{};
      for (int i = 0; i < 16 && row < end; ++i, row += tall) {
        vec<R, N> terms[Sums];
        term.template at<N>(row, column, terms);
        for (std::size_t s = 0; s < Sums; ++s)
          for (unsigned k = 0; k < N; ++k) run[s][k] += terms[s][k];
      }
      for (std::size_t s = 0; s < Sums; ++s)
        for (unsigned k = 0; k < N; ++k) total[s][k] += static_cast<double>(run[s][k]);
    }
    for (std::size_t s = 0; s < Sums; ++s)
      for (unsigned k = 0; k < N; ++k) memory.of[s][thread * N + k] = total[s][k];
  }
};

/// Adds the blocks' sums up, and `finish(group, column, sums)`: one thread for each column, its groups in
/// order.
template <std::size_t Sums, class Finish>
struct finished_column_sums {
  static constexpr unsigned wide = 32, tall = 8, threads = wide * tall;
  struct shared {
    double of[Sums][tall][wide];
  };
  row_split split;
  const double* partial;
  Finish finish;

  template <class Block>
  PRETEXT_HOST_DEVICE void operator()(Block& block) const {
    auto& memory = block.shared();
    for (std::size_t group = 0; group < split.groups; ++group) {
      block.for_each_thread([&](unsigned thread) {
        const std::size_t column = block.index() * wide + thread % wide;
        for (std::size_t s = 0; s < Sums; ++s) {
          double sum = 0;
          for (std::size_t down = thread / wide; column < split.columns && down < split.down(); down += tall)
            sum += partial[((group * split.down() + down) * Sums + s) * split.columns + column];
          memory.of[s][thread / wide][thread % wide] = sum;
        }
      });
      block.for_each_thread([&](unsigned thread) {
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

/// The two kernels, one after the other, for terms of numbers stored as T that lie in all of `where`.
template <class T, std::size_t Sums, class Context, class Term, class Finish>
void sum_columns(Context& context, std::size_t rows, std::size_t columns, std::size_t groups,
                 std::initializer_list<const void*> where, const Term& term, const Finish& finish) {
  if (rows == 0) return;
  using kernel = partial_column_sums<T, Sums, Term>;
  const row_split split{rows, columns, groups, is_vectorizable<T>(columns, where) ? lanes<T> : 1};
  const arena_scope guard{context.workspace};
  double* const partial = context.workspace.template allocate<double>(groups * split.down() * Sums * columns);
  launch(context.stream, split.blocks(), kernel{split, term, partial});
  using finished = finished_column_sums<Sums, Finish>;
  launch(context.stream, ceil_div(columns, finished::wide), finished{split, partial, finish});
}

/// Adds the sums to where they belong; a null total is left out.
template <class W, std::size_t Sums>
struct add_to_totals {
  W* total[Sums];

  PRETEXT_HOST_DEVICE void operator()(std::size_t, std::size_t column, const double (&sums)[Sums]) const {
    for (std::size_t s = 0; s < Sums; ++s)
      if (total[s]) total[s][column] += static_cast<W>(sums[s]);
  }
};

template <class T, class Context, class W, std::size_t Sums, class Term>
void add_column_sums(Context& context, std::size_t rows, std::size_t columns, W* const (&totals)[Sums],
                     std::initializer_list<const void*> where, const Term& term) {
  add_to_totals<W, Sums> finish;
  for (std::size_t s = 0; s < Sums; ++s) finish.total[s] = totals[s];
  sum_columns<T, Sums>(context, rows, columns, 1, where, term, finish);
}

}  // namespace pretext::grid
