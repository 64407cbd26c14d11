// expects: pretext: the patches do not fill the image; its rows and columns must be multiples of the patch
// size
#include <pretext/encoders/vit.hpp>
#include <pretext/methods/mae.hpp>
using namespace pretext;
using method = mae<shape<32, 36, 3>, vit<8, 64, 2, 4>>;
auto numbers = method::size;
