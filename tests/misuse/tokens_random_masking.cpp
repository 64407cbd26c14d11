// expects: pretext::masked_distillation: the masking<> must flag patches, any number of them
#include <pretext/methods/ibot.hpp>
using namespace pretext;
using method = ibot<shape<32, 32, 3>, vit<4, 64, 2, 4, dino_pretraining>, dino_head<16>, random_masking<>>;
auto numbers = method::size;
