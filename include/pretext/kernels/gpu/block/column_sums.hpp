// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <initializer_list>

#include <pretext/core/arena.hpp>
#include <pretext/kernels/gpu/block/vector_access.hpp>

// Column sums of a matrix in two kernels and a fixed order: first each block sums its own rows, then the
// blocks' sums are added. There are no atomic additions, because their order, and so the result's last
// bits, would change from run to run.
namespace pretext::inline v0_1::grid {

/// How the rows of each group are divided among blocks: a function of the shape and of the vector width
/// alone.
struct row_split {
  std::size_t rows, columns, groups;
  unsigned lanes = 1;

  static constexpr unsigned threads = 256;
  static constexpr std::size_t max_blocks = 1024;

  PRETEXT_HOST_DEVICE constexpr std::size_t group_rows() const { return rows / groups; }
  /// Columns that a block covers, in vectors: a power of two.
  PRETEXT_HOST_DEVICE constexpr unsigned block_columns() const {
    unsigned vectors = 1;
    while (vectors < 32 && vectors * lanes < columns) vectors *= 2;
    return vectors;
  }
  /// Rows that a block reads at a time.
  PRETEXT_HOST_DEVICE constexpr unsigned block_rows() const { return threads / block_columns(); }
  PRETEXT_HOST_DEVICE constexpr std::size_t column_blocks() const {
    return ceil_div(columns, std::size_t{block_columns()} * lanes);
  }
  /// Blocks per group along the rows: 16 rows per thread, up to a total of about max_blocks.
  PRETEXT_HOST_DEVICE constexpr std::size_t row_blocks() const {
    return smaller(ceil_div(group_rows(), std::size_t{block_rows()} * 16),
                   ceil_div(max_blocks, column_blocks()));
  }
  PRETEXT_HOST_DEVICE constexpr std::size_t rows_per_block() const {
    return ceil_div(group_rows(), row_blocks());
  }
  PRETEXT_HOST_DEVICE constexpr std::size_t blocks() const { return groups * row_blocks() * column_blocks(); }
};

/// Sums of each block's rows, to partial (groups, row_blocks, Sums, columns). `term.template at<N>(row,
/// column, terms)` returns each sum's term for N columns. Runs of 16 rows are added in R, the runs in double.
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
    const std::size_t across = block.index() % split.column_blocks(),
                      above = block.index() / split.column_blocks();
    const std::size_t group = above / split.row_blocks(), down = above % split.row_blocks();
    const std::size_t first = group * split.group_rows() + down * split.rows_per_block();
    const std::size_t end = smaller(first + split.rows_per_block(), (group + 1) * split.group_rows());
    const unsigned wide = split.block_columns(), tall = split.block_rows(), width = wide * split.lanes;
    block.for_each_thread([&](unsigned thread) {
      const std::size_t column = across * width + thread % wide * split.lanes;
      if (split.lanes == lanes<T>)
        add<lanes<T>>(memory, thread, column, first + thread / wide, end, tall);
      else
        add<1>(memory, thread, column, first + thread / wide, end, tall);
    });
    block.for_each_thread([&](unsigned thread) {
      for (std::size_t c = thread; c < width && across * width + c < split.columns; c += threads)
        for (std::size_t s = 0; s < Sums; ++s) {
          double sum = 0;
          for (unsigned r = 0; r < tall; ++r) sum += memory.of[s][r * width + c];
          partial[(above * Sums + s) * split.columns + across * width + c] = sum;
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

/// Adds the blocks' sums and calls `finish(group, column, sums)`; one thread handles a column, for all
/// groups in order.
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
          for (std::size_t down = thread / wide; column < split.columns && down < split.row_blocks();
               down += tall)
            sum += partial[((group * split.row_blocks() + down) * Sums + s) * split.columns + column];
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

/// Launches both kernels. The terms read elements of type T from the arrays `pointers`, whose alignment
/// decides the vector width.
template <class T, std::size_t Sums, class Context, class Term, class Finish>
void sum_columns(Context& context, std::size_t rows, std::size_t columns, std::size_t groups,
                 std::initializer_list<const void*> pointers, const Term& term, const Finish& finish) {
  if (rows == 0) return;
  using kernel = partial_column_sums<T, Sums, Term>;
  const row_split split{rows, columns, groups, is_vectorizable<T>(columns, pointers) ? lanes<T> : 1};
  const arena_scope guard{context.workspace};
  double* const partial =
      context.workspace.template allocate<double>(groups * split.row_blocks() * Sums * columns);
  launch(context.stream, split.blocks(), kernel{split, term, partial});
  using finished = finished_column_sums<Sums, Finish>;
  launch(context.stream, ceil_div(columns, finished::wide), finished{split, partial, finish});
}

/// Adds the sums to the totals; skips those that are null.
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
                     std::initializer_list<const void*> pointers, const Term& term) {
  add_to_totals<W, Sums> finish;
  for (std::size_t s = 0; s < Sums; ++s) finish.total[s] = totals[s];
  sum_columns<T, Sums>(context, rows, columns, 1, pointers, term, finish);
}

}  // namespace pretext::inline v0_1::grid
