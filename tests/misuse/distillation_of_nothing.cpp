// expects: pretext::distillation: say which teacher<> the encoder learns from
#include <pretext/encoders/resnet.hpp>
#include <pretext/methods/distillation.hpp>
using namespace pretext;
using method = distillation<shape<32, 32, 3>, encoder<resnet18<stem::cifar, 8>>>;
auto numbers = method::size;
