// expects: pretext::feature_prediction: the loss<> compares predictions with the target's features
#include <pretext/losses/nt_xent.hpp>
#include <pretext/methods/ijepa.hpp>
using namespace pretext;
using method =
    feature_prediction<shape<32, 32, 3>, encoder<vit<4, 64, 2, 4, ijepa_pretraining>>,
                       predictor<ijepa_predictor<32, 2, 4>>, masking<multi_block_masking<>>, loss<nt_xent>>;
auto numbers = method::size;
