// expects: pretext::masked_distillation: the encoder<> must be a PatchEncoder such as vit
#include <pretext/encoders/resnet.hpp>
#include <pretext/methods/ibot.hpp>
using namespace pretext;
using method = ibot<shape<32, 32, 3>, resnet18<stem::cifar>, dino_head<16>>;
auto numbers = method::size;
