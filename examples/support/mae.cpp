#include <type_traits>

#include <pretext/cpu.hpp>
#include <pretext/training/any_masked_trainer.hpp>

#include "choices.hpp"
#include "encoder_list.hpp"
#include "trainers.hpp"

namespace programs {
namespace {

using namespace pretext;

/// MAE's only augmentation, crop and flip, with the recipe's numbers.
auto make_view(const recipe& asked) {
  return augmentation{random_resized_crop<retried_box>{.area = {static_cast<float>(asked.minimum_area), 1},
                                                       .method = interpolation::bicubic_antialias},
                      horizontal_flip{}, make_normalisation(asked)};
}

/// The paper's decoder above 32 pixels; below, the small ones of those who tried (four blocks as wide as a
/// ViT-Ti), and two for an encoder that is narrower still.
template <std::size_t Size, std::size_t Width>
using decoder_for =
    std::conditional_t<(Size > 32), mae_decoder<>,
                       std::conditional_t<(Width < 192), mae_decoder<96, 2, 3>, mae_decoder<192, 4, 3>>>;

}  // namespace

std::string mae_encoders() { return names_of(vits<>); }

std::unique_ptr<any_trainer> make_mae(const recipe& asked, std::size_t threads) {
  expects(asked.mask_ratio == 0.75, "a mask ratio of ", asked.mask_ratio,
          " was not compiled into this program; it has 0.75. It is a type, so that shapes are known while "
          "compiling: name another std::ratio in examples/support/mae.cpp");
  return make_chosen<std::unique_ptr<any_trainer>>(
      vits<>, asked, [&]<class Encoder, std::size_t Size>(const compiled<Encoder, Size>&) {
        using method = mae<shape<Size, Size, 3>, Encoder, decoder_for<Size, Encoder::width>>;
        using learner = trainer<method, on<cpu>, optimizer>;
        const auto view = make_view(asked);
        const auto evaluation = make_evaluation<Size>(asked);
        return std::make_unique<
            erased_masked_trainer<learner, std::decay_t<decltype(view)>, std::decay_t<decltype(evaluation)>>>(
            std::make_unique<learner>(method{.compare = {.normalise = asked.normalise_pixels}},
                                      make_optimizer(asked), asked.seed, cpu::stream{threads}),
            view, evaluation);
      });
}

}  // namespace programs
