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
  static constexpr std::size_t max_blocks = 512;

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

/// The same division in numbers, so that no thread divides to find its rows.
struct divided_rows {
  std::size_t columns, groups, group_rows, column_blocks, row_blocks, rows_per_block;
  unsigned wide, tall, lanes;  ///< vectors and rows that a block reads at a time

  explicit constexpr divided_rows(const row_split& split)
      : columns{split.columns},
        groups{split.groups},
        group_rows{split.group_rows()},
        column_blocks{split.column_blocks()},
        row_blocks{split.row_blocks()},
        rows_per_block{split.rows_per_block()},
        wide{split.block_columns()},
        tall{split.block_rows()},
        lanes{split.lanes} {}
};

/// A term that reads values of a column: `in_column<N>(group, column)` returns an object with them.
template <class Term, unsigned N>
concept HasColumnValues = requires(const Term& term, std::size_t at) {
  term.template in_column<N>(at, at);
};
template <unsigned N, class Term>
PRETEXT_HOST_DEVICE auto terms_of_column(const Term& term, std::size_t group, std::size_t column) {
  if constexpr (HasColumnValues<Term, N>)
    return term.template in_column<N>(group, column);
  else
    return term;
}

/// Sums of each block's rows, to partial (groups, row_blocks, Sums, columns). `at<N>(row, column, terms)` of
/// the column's terms returns each sum's term for N columns. Runs of 16 rows are added in R, the runs in
/// double.
template <class T, std::size_t Sums, class Term>
struct partial_column_sums {
  using R = arithmetic<T>;
  static constexpr unsigned threads = row_split::threads, blocks_at_once = 2;
  struct shared {
    double of[Sums][lanes<T>][threads];  // by element of a thread's vector: no conflicts of banks
    double folded[Sums][threads];
  };
  divided_rows split;
  Term term;
  double* partial;

  template <class Block>
  PRETEXT_HOST_DEVICE void operator()(Block& block) const {
    const std::size_t across = block.index() % split.column_blocks,
                      above = block.index() / split.column_blocks;
    const std::size_t group = above / split.row_blocks, down = above % split.row_blocks;
    const std::size_t first = group * split.group_rows + down * split.rows_per_block;
    const std::size_t end = smaller(first + split.rows_per_block, (group + 1) * split.group_rows);
    if (split.lanes == lanes<T>)
      sum<lanes<T>>(block, across, above, group, first, end);
    else
      sum<1>(block, across, above, group, first, end);
  }

 private:
  template <unsigned N, class Block>
  PRETEXT_HOST_DEVICE void sum(Block& block, std::size_t across, std::size_t above, std::size_t group,
                               std::size_t first, std::size_t end) const {
    auto& memory = block.shared();
    const unsigned wide = split.wide, tall = split.tall, width = wide * N, parts = threads / width;
    block.for_each_thread([&](unsigned thread) {
      const std::size_t column = across * width + thread % wide * N;
      double total[Sums][N]{};
      if (column < split.columns)
        add<N>(total, terms_of_column<N>(term, group, column), column, first + thread / wide, end, tall);
      for (std::size_t s = 0; s < Sums; ++s)
        for (unsigned k = 0; k < N; ++k) memory.of[s][k][thread] = total[s][k];
    });
    block.for_each_thread([&](unsigned thread) {  // all threads: a thread adds N rows of one column
      const unsigned vector = thread % wide, k = thread / wide % N, part = thread / width;
      for (std::size_t s = 0; s < Sums; ++s) {
        double folded = 0;
        for (unsigned r = 0; r < N; ++r) folded += memory.of[s][k][(part * N + r) * wide + vector];
        memory.folded[s][thread] = folded;
      }
    });
    block.for_each_thread([&](unsigned thread) {
      const std::size_t column = across * width + thread % wide * N + thread / wide % N;
      if (thread >= width || column >= split.columns) return;
      for (std::size_t s = 0; s < Sums; ++s) {
        double all = 0;
        for (unsigned part = 0; part < parts; ++part) all += memory.folded[s][part * width + thread];
        partial[(above * Sums + s) * split.columns + column] = all;
      }
    });
  }

  /// Full runs are unrolled by 4 rows, so that a thread waits for as many loads at a time.
  template <unsigned N, class Terms>
  PRETEXT_HOST_DEVICE static void add(double (&total)[Sums][N], const Terms& all, std::size_t column,
                                      std::size_t row, std::size_t end, unsigned tall) {
    const auto add_row = [&](vec<R, N>(&run)[Sums], std::size_t r) {
      vec<R, N> terms[Sums];
      all.template at<N>(r, column, terms);
      for (std::size_t s = 0; s < Sums; ++s)
        for (unsigned k = 0; k < N; ++k) run[s][k] += terms[s][k];
    };
    const std::size_t step = tall;
    while (row < end) {
      vec<R, N> run[Sums]{};
      if (row + 15 * step < end)
        for (int quarter = 0; quarter < 4; ++quarter, row += 4 * step) {
          add_row(run, row);
          add_row(run, row + step);
          add_row(run, row + 2 * step);
          add_row(run, row + 3 * step);
        }
      else
        for (; row < end; row += step) add_row(run, row);
      for (std::size_t s = 0; s < Sums; ++s)
        for (unsigned k = 0; k < N; ++k) total[s][k] += static_cast<double>(run[s][k]);
    }
  }
};

/// Adds the blocks' sums and calls `finish(group, column, sums)`; one thread handles a column, for all
/// groups in order. Few columns per block, because a matrix may have only 64: these blocks must not be too
/// few.
template <std::size_t Sums, class Finish>
struct finished_column_sums {
  static constexpr unsigned wide = 8, tall = 32, threads = wide * tall;
  struct shared {
    double of[Sums][tall][wide];
  };
  std::size_t columns, groups, row_blocks;  ///< of partial (groups, row_blocks, Sums, columns)
  const double* partial;
  Finish finish;

  template <class Block>
  PRETEXT_HOST_DEVICE void operator()(Block& block) const {
    auto& memory = block.shared();
    const std::size_t step = tall * Sums * columns;
    for (std::size_t group = 0; group < groups; ++group) {
      block.for_each_thread([&](unsigned thread) {
        const std::size_t column = block.index() * wide + thread % wide;
        double sums[Sums]{};
        if (column < columns) {
          std::size_t down = thread / wide;
          const double* from = partial + (group * row_blocks + down) * Sums * columns + column;
          for (; down + 3 * tall < row_blocks; down += 4 * tall, from += 4 * step)
            for (std::size_t s = 0; s < Sums; ++s) {
              const double* const at = from + s * columns;
              const double a = at[0], b = at[step], c = at[2 * step], d = at[3 * step];
              sums[s] = sums[s] + a + b + c + d;
            }
          for (; down < row_blocks; down += tall, from += step)
            for (std::size_t s = 0; s < Sums; ++s) sums[s] += from[s * columns];
        }
        for (std::size_t s = 0; s < Sums; ++s) memory.of[s][thread / wide][thread % wide] = sums[s];
      });
      block.for_each_thread([&](unsigned thread) {
        const std::size_t column = block.index() * wide + thread;
        if (thread >= wide || column >= columns) return;
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
  const divided_rows divided{split};
  launch(context.stream, split.blocks(), kernel{divided, term, partial});
  using finished = finished_column_sums<Sums, Finish>;
  launch(context.stream, ceil_div(columns, finished::wide),
         finished{columns, groups, split.row_blocks(), partial, finish});
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

/// Adds sums that a kernel has left for each of its blocks, partial (blocks, Sums, columns).
template <class Context, class W, std::size_t Sums>
void add_partial_sums(Context& context, std::size_t columns, std::size_t blocks, W* const (&totals)[Sums],
                      const double* partial) {
  add_to_totals<W, Sums> finish;
  for (std::size_t s = 0; s < Sums; ++s) finish.total[s] = totals[s];
  using finished = finished_column_sums<Sums, add_to_totals<W, Sums>>;
  launch(context.stream, ceil_div(columns, finished::wide), finished{columns, 1, blocks, partial, finish});
}

template <class T, class Context, class W, std::size_t Sums, class Term>
void add_column_sums(Context& context, std::size_t rows, std::size_t columns, W* const (&totals)[Sums],
                     std::initializer_list<const void*> pointers, const Term& term) {
  add_to_totals<W, Sums> finish;
  for (std::size_t s = 0; s < Sums; ++s) finish.total[s] = totals[s];
  sum_columns<T, Sums>(context, rows, columns, 1, pointers, term, finish);
}

}  // namespace pretext::inline v0_1::grid
