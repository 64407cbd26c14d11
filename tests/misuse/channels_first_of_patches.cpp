// expects: pretext::masked_modeling: image shapes are shape<rows, columns, channels>, channels last
#include <pretext/encoders/vit.hpp>
#include <pretext/methods/mae.hpp>
using namespace pretext;
using method = mae<shape<3, 32, 32>, vit<4, 64, 2, 2>>;
auto numbers = method::size;
