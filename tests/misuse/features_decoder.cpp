// expects: pretext::feature_prediction: every policy after the image shape must be encoder<>, predictor<>
#include <pretext/heads/decoder.hpp>
#include <pretext/methods/ijepa.hpp>
using namespace pretext;
using method = feature_prediction<shape<32, 32, 3>, encoder<vit<4, 64, 2, 4, ijepa_pretraining>>,
                                  predictor<ijepa_predictor<32, 2, 4>>, masking<multi_block_masking<>>,
                                  loss<feature_regression>, decoder<mae_decoder<>>>;
auto numbers = method::size;
