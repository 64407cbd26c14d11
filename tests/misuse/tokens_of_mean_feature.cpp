// expects: pretext::masked_distillation: the encoder<> has no class token, or another feature
#include <pretext/methods/ibot.hpp>
using namespace pretext;
using method = ibot<shape<32, 32, 3>, vit<4, 64, 2, 4, mae_fine_tuning>, dino_head<16>>;
auto numbers = method::size;
