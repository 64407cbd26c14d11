// expects: pretext::distillation: the loss<> compares predictions with the teacher's features
#include <pretext/encoders/resnet.hpp>
#include <pretext/losses/nt_xent.hpp>
#include <pretext/methods/distillation.hpp>
using namespace pretext;
using method = distillation<shape<32, 32, 3>, encoder<resnet18<stem::cifar, 8>>,
                            teacher<resnet18<stem::cifar, 16>>, loss<nt_xent>>;
auto numbers = method::size;
