// How work is divided for a GPU; these divisions depend on shapes alone.
#include <doctest/doctest.h>

#include <cstddef>

#include <pretext/kernels/gpu/block/column_sums.hpp>
#include <pretext/kernels/gpu/gemm/tiled_product.hpp>
#include <pretext/kernels/gpu/nt_xent/similarity_tiles.hpp>

using namespace pretext::grid;

TEST_CASE("column sums assign every row of a group to exactly one block and use few blocks") {
  for (const unsigned lanes : {1u, 8u})
    for (const std::size_t groups : {1u, 2u})
      for (const std::size_t part : {1u, 7u, 127u, 128u, 129u, 5000u, 32767u, 32768u, 1000003u})
        for (const std::size_t columns : {8u, 24u, 32u, 40u, 64u, 2048u, 40000u}) {
          const row_split split{groups * part, columns, groups, lanes};
          CAPTURE(part);
          CAPTURE(columns);
          CHECK(split.group_rows() == part);
          CHECK(split.block_columns() * split.block_rows() == row_split::threads);
          CHECK(split.row_blocks() * split.column_blocks() < row_split::max_blocks + split.column_blocks());
          CHECK(split.row_blocks() * split.rows_per_block() >= part);
          CHECK((split.row_blocks() - 1) * split.rows_per_block() < part);  // no block without rows
          CHECK(split.column_blocks() * split.block_columns() * lanes >= columns);
          CHECK((split.column_blocks() - 1) * split.block_columns() * lanes < columns);
          CHECK(split.blocks() == groups * split.row_blocks() * split.column_blocks());
        }
}

TEST_CASE("only small products with long sums are split along their depth") {
  CHECK(product_extents{576, 64, std::size_t{1} << 20}.splits() == 56);
  CHECK(product_extents{std::size_t{1} << 20, 64, 576}.splits() == 1);
  CHECK(product_extents{64, 64, 512}.splits() == 1);
  CHECK(product_extents{1, 1, 0}.splits() == 1);
  for (const std::size_t m : {1u, 64u, 65u, 2304u})
    for (const std::size_t k : {1u, 511u, 513u, 1025u, 4097u, 1u << 20}) {
      const product_extents e{m, 100, k};
      CHECK(e.splits() * e.split_depth() >= k);
      CHECK((e.splits() - 1) * e.split_depth() < k);
      CHECK((e.splits() == 1 || e.splits() * e.tiles() <= 512));
    }
}

TEST_CASE("every tile of similarities belongs to exactly one part, and partial results take O(rows) memory") {
  for (const std::size_t rows : {2u, 64u, 66u, 1024u, 8192u, 16384u, 65536u}) {
    const similarity_tiles<float> all{rows, 128, 1, nullptr};
    std::size_t tiles = 0;
    for (std::size_t part = 0; part < all.parts(); ++part)
      for (std::size_t tile = all.first_tile(part); tile < all.last_tile(part); ++tile) ++tiles;
    CHECK(tiles == all.blocks());
    CHECK(all.parts() * rows <= 256 * 64 + rows);
  }
}

TEST_CASE("an elementwise kernel has one thread per element, up to 4096 blocks") {
  CHECK(blocks_for(1, 256) == 1);
  CHECK(blocks_for(257, 256) == 2);
  CHECK(blocks_for(std::size_t{1} << 40, 256) == 4096);
}
