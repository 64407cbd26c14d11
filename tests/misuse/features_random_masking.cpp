// expects: pretext::feature_prediction: the masking<> must choose a context and targets
#include <pretext/methods/ijepa.hpp>
using namespace pretext;
using method =
    ijepa<shape<32, 32, 3>, vit<4, 64, 2, 4, ijepa_pretraining>, ijepa_predictor<32, 2, 4>, random_masking<>>;
auto numbers = method::size;
