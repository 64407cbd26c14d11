// expects: pretext::masked_distillation: the encoder<> has no class token
#include <pretext/methods/ibot.hpp>
using namespace pretext;
using method = ibot<shape<32, 32, 3>, vit<4, 64, 2, 4, ijepa_pretraining>, dino_head<16>>;
auto numbers = method::size;
