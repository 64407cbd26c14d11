#include "rounded_operands.hpp"

#include "compare_with_cpu.hpp"

using namespace pretext::tests;

TEST_CASE("NT-Xent on tensor cores equals its formula with rounded operands") {
  losses_of_rounded_views<emulated>();
}
TEST_CASE("attention on tensor cores equals its formula with rounded probabilities") {
  attention_of_rounded_weights<emulated>();
}
TEST_CASE("fused attention fits into shared memory for MAE's sequences, and for longer ones on newer GPUs") {
  const auto heads = []<unsigned Depth>(std::size_t tokens) {
    return pretext::grid::fused_attention_tiling<Depth>{{{tokens, Depth, 1}, nullptr}};
  };
  const auto forward = [&]<unsigned Depth>(std::size_t tokens) {
    return shared_bytes(
        pretext::grid::fused_attention<Depth>{heads.operator()<Depth>(tokens), nullptr, nullptr});
  };
  const auto backward = [&]<unsigned Depth>(std::size_t tokens) {
    return shared_bytes(
        pretext::grid::fused_attention_backward<Depth>{heads.operator()<Depth>(tokens), nullptr, nullptr});
  };
  const std::size_t ada = 99 << 10, ampere = 163 << 10, hopper = 227 << 10;
  CHECK(sizeof(pretext::grid::short_attention<64>::shared) <= hopper / 5);  // the number of resident blocks
  CHECK(sizeof(pretext::grid::short_attention_backward<64>::shared) <= hopper / 4);
  CHECK(sizeof(pretext::grid::short_attention_backward<96>::shared) <= ada);
  CHECK(2 * backward.operator()<32>(197) < hopper);
  CHECK(forward.operator()<64>(197) <= ada);
  CHECK(backward.operator()<32>(197) <= ada);
  CHECK(backward.operator()<64>(197) > ada);
  CHECK(backward.operator()<64>(197) <= ampere);
  CHECK(forward.operator()<96>(257) <= ampere);
  CHECK(backward.operator()<96>(257) > ampere);
  CHECK(backward.operator()<96>(257) <= hopper);
  CHECK(forward.operator()<64>(577) <= hopper);
  CHECK(backward.operator()<64>(577) > hopper);
  CHECK(forward.operator()<64>(1025) > hopper);
}
TEST_CASE("with less shared memory per block, attention uses the tiled kernels") {
  const pretext::kernels::attention_extents e{65, 64, 2};
  const auto found = [&](std::size_t bytes) {
    workbench<pretext::on<emulated, pretext::bf16>> at;
    at.context.stream.max_shared = bytes;
    const auto qkv = at.activations(e.tokens * 3 * e.width, 1, 1.5);
    float* const log_sum = at.out_weights(e.tokens * e.heads);
    pretext::kernels::attention<emulated>::forward(at.context, e, 1, at.in(qkv), at.out(e.tokens * e.width),
                                                   log_sum);
    return std::pair{at.results(), in_double(qkv)};
  };
  const auto [unrounded, qkv] = found(48 << 10);
  const auto rounded_weights = found(99 << 10).first;
  // results are in the order of the calls of `out`
  const auto exact = attention_in_double<false>(e, 1, qkv);
  CHECK(rms_error(unrounded[1], exact[0]) < 2e-5);
  CHECK(rms_error(rounded_weights[1], exact[0]) > 2e-5);
}
