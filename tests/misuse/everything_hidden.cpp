// expects: pretext: a mask hides some patches and leaves some
#include <pretext/encoders/vit.hpp>
#include <pretext/methods/mae.hpp>
using namespace pretext;
using method = mae<shape<32, 32, 3>, vit<16, 64, 2, 4>, mae_decoder<>, random_masking<std::ratio<4, 5>>>;
auto numbers = method::size;
