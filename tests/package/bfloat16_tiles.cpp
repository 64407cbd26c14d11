// Compiled with optimisation: clang 16 crashed on these tiles.
#include <pretext/kernels/cpu/gemm/tile.hpp>

void multiply(const pretext::kernels::gathered_product<pretext::kernels::bfloat16_pair>& rows,
              const pretext::kernels::outer_product<pretext::kernels::bfloat16_pair>& columns) {
  pretext::kernels::run_tile(rows);
  pretext::kernels::run_tile(columns);
}
