// Checkpoints: a file is loaded into a trainer that can then take a step, or it is refused.
#include "fuzz/fuzz.hpp"
#include "support/some_trainings.hpp"
#include "support/thin_trunk.hpp"

#include <memory>

#include <pretext/cpu.hpp>
#include <pretext/runtime/checkpoint.hpp>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pretext;
  using method = byol<tests::tiny_images, tests::thin_trunk<basic_block, 1>, byol_head<2, 2>>;
  static const auto trainer = make_any_trainer(
      std::make_unique<pretext::trainer<method, on<cpu>, lars>>(method{}, lars{}, std::uint64_t{1}),
      two_views{tests::one_view}, tests::evaluation);
  static const tests::pictures two(2);
  const tests::memory_file input{{data, size}};
  tests::expect_value_or_sentence(input.path().string(), [&] {
    load_checkpoint(input.path(), *trainer);
    // Weights may be anything; the loss of a step with them may be NaN, which the trainer reports.
    tests::expect_value_or_sentence("", [&] { trainer->step(two.batch(1, 0), {.learning_rate = 0.1}); });
  });
  return 0;
}
