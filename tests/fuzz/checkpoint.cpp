// Checkpoints: a file is loaded into a trainer that can then take a step, or it is refused.
#include "fuzz/fuzz.hpp"
#include "support/some_trainings.hpp"
#include "support/thin_trunk.hpp"

#include <memory>

#include <pretext/cpu.hpp>
#include <pretext/runtime/checkpoint.hpp>

namespace {

using namespace pretext;
using method = byol<tests::tiny_images, tests::thin_trunk<basic_block, 1>, byol_head<2, 2>>;

any_trainer& learner() {
  static const auto trainer = make_any_trainer(
      std::make_unique<pretext::trainer<method, on<cpu>, lars>>(method{}, lars{}, std::uint64_t{1}),
      two_views{tests::one_view}, tests::evaluation);
  return *trainer;
}

void take_step() {
  static const tests::pictures two(2);
  learner().step(two.batch(1, 0), {.learning_rate = 0.1});
}

}  // namespace

/// The first step reserves the memory of all steps, more than an input may cause to be allocated.
extern "C" int LLVMFuzzerInitialize(int*, char***) {
  take_step();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const tests::memory_file input{{data, size}};
  tests::expect_value_or_sentence(input.path().string(), [&] {
    load_checkpoint(input.path(), learner());
    // Weights may be anything; the loss of a step with them may be NaN, which the trainer reports.
    tests::expect_value_or_sentence("", take_step);
  });
  return 0;
}
