// expects: pretext::masked_distillation: the loss<> compares class tokens and patches
#include <pretext/methods/ibot.hpp>
using namespace pretext;
using method = masked_distillation<shape<32, 32, 3>, encoder<vit<4, 64, 2, 4, dino_pretraining>>,
                                   projector<dino_head<16>>, loss<self_distillation>>;
auto numbers = method::size;
