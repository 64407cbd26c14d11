// expects: pretext::ijepa_predictor: its encoder must have no class token and no registers
#include <pretext/methods/ijepa.hpp>
using namespace pretext;
using method = ijepa<shape<32, 32, 3>, vit<4, 64, 2, 4>, ijepa_predictor<32, 2, 4>>;
auto numbers = method::size;
