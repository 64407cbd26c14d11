// expects: pretext::joint_embedding: image shapes are shape<rows, columns, channels>, channels last
#include <pretext/encoders/resnet.hpp>
#include <pretext/methods/simclr.hpp>
using namespace pretext;
using method = simclr<shape<3, 32, 32>, resnet18<stem::cifar, 8>>;
auto numbers = method::size;
